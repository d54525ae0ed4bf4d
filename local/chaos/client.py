"""A client of the API as an integrator writes it: whatever was not answered is asked again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx

from local.replay.client import CloudClient, RefusedError
from local.replay.cloud import Addresses

_SERVER_FAULT = 500
_PASSING = frozenset({409, 429})
_TRIES = 40


class PatientClient(CloudClient):
    """Repeats calls that failed on the other side, as each of them may be. `repeats`: why and how often."""

    def __init__(self, addresses: Addresses) -> None:
        super().__init__(addresses)
        self.repeats: Counter[str] = Counter()

    def make_organization(self, name: str, time_zone: str, locale: str, country: str) -> str:
        """Make one that is metered, with more units than it needs: what is taken must add up all the same."""
        key = super().make_organization(name, time_zone, locale, country)
        metering = dict.fromkeys(("email", "sms", "whatsapp"), 10_000)
        self.api("set up", "PATCH", f"/v1/organizations/{name}", self._operator_key, {"metering": metering})
        return key

    def _call(
        self,
        client: httpx.Client,
        kind: str,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Any:
        for _ in range(_TRIES):
            begin = time.perf_counter()
            answer = client.request(method, path, json=body, headers=headers, params=params)
            self.calls[kind] += 1
            self.seconds[kind] += time.perf_counter() - begin
            if answer.is_success:
                return answer.json() if answer.content else None
            if answer.status_code < _SERVER_FAULT and answer.status_code not in _PASSING:
                break
            self.repeats[f"answered {answer.status_code}"] += 1
        raise RefusedError(f"{method} {path} answered {answer.status_code}: {answer.text}\nfor {body}")
