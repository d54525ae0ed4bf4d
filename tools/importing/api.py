"""The HTTPS API as the import needs it: patient with limits and broken connections, short with refusals."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

ATTEMPTS = 8
LONGEST_PAUSE = 30.0
TIMEOUT_S = 60.0
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same call is made again; every call here may be repeated."""


class ApiError(Exception):
    """The API can't be reached, or doesn't take the key or the call; the message says which. Progress is kept."""


class Api:
    """Speaks for one API key, which no message of ours ever holds."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT_S, transport=transport)
        self._sleep = sleep
        self.calls = 0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read; None when there is no such thing. Raises ApiError."""
        answer = self._patiently("GET", path, params=params)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _document(answer)

    def batch(self, path: str, items: list[dict[str, Any]], run: str) -> list[dict[str, Any]]:
        """Send items, each once however often a run has to make the call; gives their results. Raises ApiError."""
        body = json.dumps({"items": items}, ensure_ascii=False).encode()
        key = f"import-{run}-{hashlib.sha256(body).hexdigest()}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        answer = _document(self._patiently("POST", path, content=body, headers=headers))
        results: list[dict[str, Any]] = answer["results"]
        return results

    def _patiently(self, method: str, path: str, **more: Any) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            self.calls += 1
            pause = min(LONGEST_PAUSE, 2.0**attempt) * random.uniform(0.5, 1)  # noqa: S311 - spreads, hides nothing
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS - 1:
                    raise ApiError(f"the API can't be reached: {type(error).__name__}") from error
            else:
                if answer.status_code not in PASSING and not _is_running(answer):
                    return answer
                if attempt == ATTEMPTS - 1:
                    raise ApiError(f"the API answered {answer.status_code} {ATTEMPTS} times; try again later")
                pause = _retry_after(answer, pause)
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def _document(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json()
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code in (401, 403) and "code" not in told:
        raise ApiError("the API doesn't take this key")
    detail = told.get("detail") or told.get("message") or answer.reason_phrase
    raise ApiError(f"the API answered {answer.status_code}: {detail}")


def _is_running(answer: httpx.Response) -> bool:
    """Whether the call that broke off is still held to be under way; its lease ends within a minute."""
    if answer.status_code != httpx.codes.CONFLICT:
        return False
    return bool(answer.json().get("code") == "idempotency_in_progress")


def _retry_after(answer: httpx.Response, otherwise: float) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), 300.0) if text.isdigit() else otherwise
