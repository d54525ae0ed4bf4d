"""The local cloud's Twilio behind urllib3, without a socket: what our code asks is answered as Twilio would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from local.clock import SimulatedClock
from local.config import TWILIO_ACCOUNT, TWILIO_SUBACCOUNTS
from local.fakes.callbacks import Callbacks
from local.fakes.http import Call
from local.fakes.twilio import Twilio
from local.faults import FaultRegistry
from local.outbox import Outbox
from local.store import Store

SUBACCOUNT, SUBACCOUNT_TOKEN = TWILIO_SUBACCOUNTS[0][:2]
OTHER, OTHER_TOKEN = TWILIO_SUBACCOUNTS[1][:2]
SUSPENDED, SUSPENDED_TOKEN = TWILIO_SUBACCOUNTS[2][:2]
NUMBER, OFFLINE_NUMBER, OTHER_NUMBER = "+15005550012", "+15005550022", "+15005550013"


@dataclass
class Answered:
    """What urllib3 gives back."""

    status: int
    data: bytes


@dataclass
class TwilioBehindHttp:
    """Answers every request of urllib3; `requests` holds what was asked, `fails` what is raised or answered instead."""

    twilio: Twilio
    requests: list[tuple[str, str]] = field(default_factory=list)
    fails: Exception | Answered | None = None

    def request(self, method: str, url: str, **given: Any) -> Answered:
        parts = urlsplit(url)
        self.requests.append((method, f"{parts.netloc}{parts.path}"))
        if isinstance(self.fails, Exception):
            raise self.fails
        if self.fails is not None:
            return self.fails
        headers: Mapping[str, str] = {name.lower(): text for name, text in given["headers"].items()}
        body = (given.get("body") or "").encode()
        call = Call(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
        try:
            self.twilio.answer(call).send(None)
        except StopIteration as done:  # it awaits nothing, so no loop is needed
            return Answered(done.value.status, json.dumps(done.value.body).encode())
        raise AssertionError("the fake waits for something")


@contextmanager
def twilio_behind_http(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioBehindHttp]:
    """Put the fake in the place of urllib3's connections."""
    store, clock = Store(folder / "twilio.sqlite"), SimulatedClock(folder / "clock")
    outbox = Outbox(store, clock)
    twilio = Twilio(TWILIO_ACCOUNT, store, outbox, cast("Callbacks", None), clock, FaultRegistry())
    played = TwilioBehindHttp(twilio)
    monkeypatch.setattr(urllib3.PoolManager, "request", lambda _self, *args, **given: played.request(*args, **given))
    yield played
    store.close()
