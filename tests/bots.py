"""A bot's API as its HTTP client sees it: connections that are played, in unit tests without any socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from carillon.adapters.providers import bot_http
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import Outgoing, Rendered

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
VIBER_TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"


@dataclass(frozen=True)
class Asked:
    """One request as it was written."""

    url: str
    headers: dict[str, str]
    document: Any


@dataclass
class PlayedApi:
    """Stands in for the connection: keeps each request and gives the answer set, or breaks where it is told to."""

    status: int = 200
    body: Any = None
    asked: list[Asked] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    closed: int = 0
    on_connect: Callable[[], object] = lambda: None
    on_answer: Callable[[], object] = lambda: None

    def answers(self, status: int, body: Any) -> None:
        self.status, self.body = status, body

    def connection(self, scheme: str) -> Callable[..., _Connection]:
        def opened(host: str, port: int | None, **options: Any) -> _Connection:
            self.opened.append(options)
            return _Connection(self, f"{scheme}://{host}" + (f":{port}" if port else ""))

        return opened


@dataclass
class _Connection:
    api: PlayedApi
    base: str
    timeout: float | None = None
    sock: None = None

    def connect(self) -> None:
        self.api.on_connect()

    def request(
        self, method: str, path: str, *, body: bytes, headers: dict[str, str], preload_content: bool = True
    ) -> None:
        assert method == "POST"
        assert not preload_content, "urllib3 would read an endless answer to its end"
        self.api.asked.append(Asked(self.base + path, headers, json.loads(body)))

    def getresponse(self) -> _Answer:
        self.api.on_answer()
        body = self.api.body
        return _Answer(self.api.status, (body if isinstance(body, str) else json.dumps(body)).encode())

    def close(self) -> None:
        self.api.closed += 1


@dataclass
class _Answer:
    status: int
    content: bytes

    def read(self, most: int) -> bytes:
        return self.content[:most]


@contextmanager
def playing(api: PlayedApi) -> Iterator[PlayedApi]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot_http, "HTTPConnection", api.connection("http"))
        patch.setattr(bot_http, "HTTPSConnection", api.connection("https"))
        yield api


def raises(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


class PlayedBots(PlayedApi):
    """Telegram's and Viber's APIs with one bot each, which are well unless `said` says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, tuple[int, Any]] = {}
        self.sent: list[tuple[str, str]] = []
        self.on_answer = self._answer

    def _answer(self) -> None:
        method = self.asked[-1].url.rpartition("/")[2]
        document = self.asked[-1].document
        if method in self.said:
            self.answers(*self.said[method])
        elif method == "sendMessage":
            self.sent.append((document["chat_id"], document["text"]))
            self.answers(200, {"ok": True, "result": {"message_id": len(self.sent)}})
        elif method == "send_message":
            self.sent.append((document["receiver"], document["text"]))
            self.answers(200, {"status": 0, "message_token": VIBER_MESSAGE + len(self.sent)})
        elif method == "getMe":
            self.answers(200, {"ok": True, "result": {"id": 110201543, "is_bot": True, "username": "aurora_bot"}})
        elif method == "get_account_info":
            self.answers(200, {"status": 0, "id": "pa:1", "name": "Aurora", "uri": "aurora"})
        else:
            self.answers(200, {"ok": True, "result": True} if "/bot" in self.asked[-1].url else {"status": 0})


VIBER_MESSAGE = 5741311803571721000


def outgoing(channel: str, **changes: Any) -> Outgoing:
    """A message of the organization's own bot."""
    own = {
        "telegram": OwnSender(sender="@aurora_bot", secrets={"bot_token": TOKEN}),
        "viber": OwnSender(sender="Salon Aurora", secrets={"auth_token": VIBER_TOKEN}),
    }[channel]
    basis: dict[str, Any] = {
        "org_id": "aurora",
        "message_id": "01M",
        "to": "4711" if channel == "telegram" else "01234567890A=",
        "rendered": Rendered("Tot morgen om 14:30"),
        "token": "tok_EN-1",
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
        "own": own,
    }
    return Outgoing(**(basis | changes))
