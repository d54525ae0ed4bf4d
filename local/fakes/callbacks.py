"""Calls that providers make back to us, at their simulated instants; kept over restarts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlencode

import aiohttp

from local.clock import SimulatedClock
from local.store import Store, Waiting
from local.timers import Background

_log = logging.getLogger(__name__)
_TIMEOUT_S = 15.0
_RETRY_AFTER_S = 1.0
_HTTP_ERROR, _SERVER_ERROR = 400, 500


class Callbacks:
    """Posts provider callbacks when they are due.

    One that fails is repeated as Twilio does: by default once, and only if no connection was made; the address's
    fragment may say otherwise (`rc`: how often, `rp`: after what of ct, rt, 4xx, 5xx or all).
    """

    def __init__(self, store: Store, clock: SimulatedClock, session: aiohttp.ClientSession) -> None:
        self._waiting = Waiting(store, "callback")
        self._clock = clock
        self._session = session
        self.background = Background()

    @property
    def busy(self) -> bool:
        """Whether a callback is on its way."""
        return self.background.busy

    def add(self, after_s: float, url: str, headers: Mapping[str, str], body: str) -> None:
        """Plan a POST `after_s` simulated seconds from now."""
        entry = {"url": url, "headers": dict(headers), "body": body, "attempt": 1}
        self._waiting.add(self._clock.time() + after_s, entry)

    def next_due(self) -> float | None:
        """Answer when the next one goes."""
        return self._waiting.next_due()

    async def run_due(self, now: float) -> bool:
        """Begin to post what is due."""
        began = False
        for _, entry in self._waiting.take(now):
            self.background.begin(self._post(entry))
            began = True
        return began

    async def _post(self, entry: Mapping[str, Any]) -> None:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with self._session.post(
                entry["url"], data=entry["body"].encode(), headers=entry["headers"], timeout=timeout
            ) as response:
                if response.status < _HTTP_ERROR:
                    return
                _log.warning("callback answered %s", response.status)
                failure = "5xx" if response.status >= _SERVER_ERROR else "4xx"
        except TimeoutError as error:
            _log.warning("callback failed: %r", error)
            failure = "rt"
        except aiohttp.ClientError as error:
            _log.warning("callback failed: %r", error)
            failure = "ct"
        count, policy = retries(entry["url"])
        if entry["attempt"] <= count and (failure in policy or "all" in policy):
            self._waiting.add(self._clock.time() + _RETRY_AFTER_S, {**entry, "attempt": entry["attempt"] + 1})


def retries(url: str) -> tuple[int, frozenset[str]]:
    """Read from an address's fragment how often a callback is repeated, and after which failures."""
    overrides = dict(parse_qsl(urldefrag(url).fragment))
    return int(overrides.get("rc", "1")), frozenset(overrides.get("rp", "ct").split(","))


def signature(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """Sign a form POST as Twilio does: HMAC-SHA1 over the URL and the sorted parameters, in base64."""
    text = urldefrag(url).url + "".join(f"{key}{parameters[key]}" for key in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def signed_form(token: str, url: str, parameters: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Build headers and body of a callback that Twilio would send."""
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "user-agent": "TwilioProxy/1.1",
        "x-twilio-signature": signature(token, url, parameters),
        "i-twilio-idempotency-token": str(uuid.uuid4()),
    }
    return headers, urlencode(parameters)
