"""The API and the tools of a local cloud over keep-alive HTTP, with a count and the time of every kind of call."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from local.replay.cloud import Addresses

_LONG_S = 900.0
_PAGE = 100
# Longer than the call itself takes: the clock never goes back.
_AT_ONCE = "PT1S"


class RefusedError(RuntimeError):
    """A call was answered with an error."""


class CloudClient:
    """Speaks with one local cloud. `calls` and `seconds` are by kind of call."""

    def __init__(self, addresses: Addresses) -> None:
        self._api = httpx.Client(base_url=addresses.api_url, timeout=_LONG_S)
        self._tools = httpx.Client(base_url=addresses.tools_url, timeout=_LONG_S)
        self._operator_key = addresses.operator_key
        self.calls: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.now = self._instant(self.tools("read the clock", "GET", "/clock")["now"])

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._tools.close()

    def tools(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        """Call the tools. Raises RefusedError."""
        return self._call(self._tools, kind, method, path, body, {})

    def api(self, kind: str, method: str, path: str, key: str, body: Any = None, **more: Any) -> Any:
        """Call the API as the holder of `key`. Raises RefusedError."""
        headers = {"authorization": f"Bearer {key}", **more.pop("headers", {})}
        return self._call(self._api, kind, method, path, body, headers, **more)

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
        begin = time.perf_counter()
        answer = client.request(method, path, json=body, headers=headers, params=params)
        self.calls[kind] += 1
        self.seconds[kind] += time.perf_counter() - begin
        if not answer.is_success:
            raise RefusedError(f"{method} {path} answered {answer.status_code}: {answer.text}\nfor {body}")
        return answer.json() if answer.content else None

    def make_organization(self, name: str, time_zone: str, locale: str, country: str) -> str:
        """Make and activate an organization; answers its key."""
        body = {"id": name, "name": name.title(), "time_zone": time_zone, "locale": locale, "country": country}
        key = str(self.api("set up", "POST", "/v1/organizations", self._operator_key, body)["api_key"]["secret"])
        self.api("set up", "POST", "/v1/integrations/notifications/activate", key)
        return key

    def change_settings(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Put settings over those of a new organization; answers them all."""
        headers = {"if-match": "*"}
        found: dict[str, Any] = self.api("set up", "PUT", "/v1/settings", key, dict(values), headers=headers)
        return found

    def move_to(self, instant: datetime, *, housekeeping: str | None = None) -> None:
        """Move the clock, unless it is there already; either way all that is due is done afterwards.

        `housekeeping`: how often what the template schedules runs on the way, if not daily.
        """
        pace = {"housekeeping": housekeeping} if housekeeping is not None else {}
        if instant > self.now:
            body = {"now": instant.isoformat().replace("+00:00", "Z"), **pace}
            try:
                answer = self.tools("move the clock", "POST", "/clock", body)
            except RefusedError:
                # The clock runs on by itself: it may have passed the instant since it was read.
                answer = self.tools("move the clock", "POST", "/clock", {"advance": _AT_ONCE})
        else:
            answer = self.tools("move the clock", "POST", "/clock", {"advance": _AT_ONCE})
        self.now = self._instant(answer["now"])

    def items(self, kind: str, path: str, key: str, **params: str) -> Iterator[dict[str, Any]]:
        """Read a list, page after page."""
        wanted = {**params, "limit": str(_PAGE)}
        while True:
            page = self.api(kind, "GET", path, key, params=wanted)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            wanted["cursor"] = page["next_cursor"]

    @staticmethod
    def _instant(text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(UTC)
