"""A message is asked for once: whatever the other end of the connection does, nothing repeats the call by itself.

The other end is a socket of this machine that stalls, drops, answers nonsense or isn't there. Timeouts are tiny.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from carillon.adapters import aws
from carillon.adapters.providers import bot_http
from carillon.adapters.providers.ses import SesEmail
from carillon.adapters.providers.sns_push import SnsPush
from carillon.adapters.providers.sns_sms import SnsSms
from carillon.adapters.providers.telegram import TelegramBotApi
from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.adapters.providers.viber import ViberBotApi
from carillon.adapters.secrets import Secrets
from carillon.domain.own_channels import OwnSender
from carillon.domain.reach import Device
from carillon.ports.delivery import Outcome, Outgoing, Provider, Rendered
from tests.builders import ORG

BRIEF = 0.8
"""Seconds that are waited for a connection and for an answer."""
BYTES = 65_536
SNS = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>'
    b"</PublishResult></PublishResponse>"
)
XML_ERROR = b"<ErrorResponse><Error><Code>Throttled</Code></Error></ErrorResponse>"
OWN = OwnSender("Aurora", secrets={"bot_token": "1:a", "auth_token": "a"})


def page(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class OtherEnd:
    """Listens, reads each request whole, and does one thing with all of them: `answer` None keeps them waiting."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.reads = True
        self.requests = 0
        self.connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            if self.reads:
                self._read(connection)
            self.requests += 1
            if self.answer is not None:
                with suppress(OSError):
                    connection.sendall(self.answer)
                connection.close()

    def _read(self, connection: socket.socket) -> None:
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += connection.recv(BYTES)
        head, _, body = heard.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: *(\d+)", head)
        if re.search(rb"(?i)expect: *100-continue", head):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while found is not None and len(body) < int(found[1]):
            body += connection.recv(BYTES)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self.connections:
            connection.close()
        self._thread.join()


@pytest.fixture
def other() -> Iterator[OtherEnd]:
    end = OtherEnd()
    yield end
    end.close()


@pytest.fixture(autouse=True)
def environment(other: OtherEnd, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)
    monkeypatch.setattr(bot_http, "CONNECT_SECONDS", BRIEF)
    # What an operator might set for everything else must not reach what sends.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    made = (aws._session, aws.client, aws.sending_client)
    for cached in made:
        cached.cache_clear()
    yield
    for cached in made:
        cached.cache_clear()


def client(service: str) -> Any:
    return aws.sending_client(service, connect_seconds=BRIEF, read_seconds=BRIEF)


def email(_: str) -> Provider:
    return SesEmail(client("sesv2"), from_address="no-reply@carillon.example", configuration_set="main")


def sms(_: str) -> Provider:
    return SnsSms(client("sns"), sender_id="")


def whatsapp(url: str) -> Provider:
    return TwilioWhatsapp(
        lambda: Secrets("key", "AC1", "token"),
        sender="whatsapp:+15550001111",
        api_url=url,
        callback_url="https://carillon.example",
        timeouts=(BRIEF, BRIEF),
    )


def push(_: str) -> Provider:
    return SnsPush(client("sns"))


def telegram(url: str) -> Provider:
    return TelegramBotApi(url, read_seconds=BRIEF)


def viber(url: str) -> Provider:
    return ViberBotApi(url, read_seconds=BRIEF)


Make = Callable[[str], Provider]
ANSWERS: dict[Make, tuple[int, bytes]] = {
    email: (200, b'{"MessageId": "1"}'),
    sms: (200, SNS),
    push: (200, SNS),
    whatsapp: (201, b'{"sid": "1", "status": "queued"}'),
    telegram: (200, b'{"ok": true, "result": {"message_id": 1}}'),
    viber: (200, b'{"status": 0, "message_token": 1}'),
}
"""How each provider says that it took a message."""
EACH = pytest.mark.parametrize("make", ANSWERS)
DEVICE = Device(id="d", platform="fcm", endpoint="arn:aws:sns:eu-central-1:000000000000:endpoint/GCM/app/1")


def send(provider: Provider) -> Outcome:
    return provider.send(
        Outgoing(
            org_id=ORG,
            message_id="01M",
            to="anna@example.com" if isinstance(provider, SesEmail) else "+31612345678",
            rendered=Rendered("Tot morgen", subject="Herinnering"),
            token="token",
            valid_seconds=3600,
            sender_name="Salon Aurora",
            own=OWN if isinstance(provider, TelegramBotApi | ViberBotApi) else None,
            devices=(DEVICE,),
        )
    )


@EACH
def test_an_end_that_says_nothing_is_asked_once_and_leaves_it_unknown(make: Make, other: OtherEnd) -> None:
    other.answer = None
    found = send(make(other.url))
    assert (found.kind, found.reason, other.requests) == ("unknown", "provider_timeout", 1)


@EACH
def test_an_end_that_hangs_up_is_asked_once_and_leaves_it_unknown(make: Make, other: OtherEnd) -> None:
    found = send(make(other.url))
    assert (found.kind, found.reason, other.requests) == ("unknown", "connection_lost", 1)


@EACH
def test_an_end_that_hangs_up_in_the_middle_of_its_answer_is_asked_once(make: Make, other: OtherEnd) -> None:
    other.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
    found = send(make(other.url))
    assert (found.kind, found.reason, other.requests) == ("unknown", "connection_lost", 1)


@EACH
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_end_that_fails_itself_is_asked_once_and_leaves_it_unknown(make: Make, other: OtherEnd, status: int) -> None:
    other.answer = page(status, b"<html>Bad gateway</html>")
    found = send(make(other.url))
    assert (found.kind, found.reason, other.requests) == ("unknown", "provider_5xx", 1)


@EACH
def test_an_end_that_has_too_much_to_do_is_asked_once_now(make: Make, other: OtherEnd) -> None:
    other.answer = page(429, XML_ERROR if make in (sms, push) else b"{}")
    found = send(make(other.url))
    assert (found.kind, other.requests) == ("retry", 1)


@EACH
def test_an_end_that_points_elsewhere_is_not_followed(make: Make, other: OtherEnd) -> None:
    other.answer = page(307, b"", f"Location: {other.url}/elsewhere")
    found = send(make(other.url))
    assert found.kind in ("permanent", "unknown")
    assert other.requests == 1


@EACH
@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"", b"\xff\xfe"])
def test_an_acceptance_that_cannot_be_read_is_no_refusal(make: Make, other: OtherEnd, body: bytes) -> None:
    other.answer = page(200, body)
    found = send(make(other.url))
    assert found.kind in ("accepted", "unknown")
    assert other.requests == 1


@EACH
def test_where_nobody_listens_nothing_was_sent(make: Make, other: OtherEnd) -> None:
    provider = make(other.url)
    other.close()
    assert (send(provider).kind, other.requests) == ("retry", 0)


@EACH
def test_each_call_has_a_connection_of_its_own(make: Make, other: OtherEnd) -> None:
    """One that died while the function was frozen would take the next message with it."""
    other.answer = page(*ANSWERS[make])
    provider = make(other.url)
    assert [send(provider).provider_id for _ in range(3)] == ["1"] * 3
    assert (other.requests, len(other.connections)) == (3, 3)


def test_a_client_that_sends_to_nobody_does_repeat(other: OtherEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counting above would be worth nothing if it could not see a repetition."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    other.answer = page(500)
    # The last answer may be cut off: each connection is closed as soon as it is written.
    with pytest.raises(Exception, match=r"500|closed"):
        aws.client("sqs").list_queues()
    assert other.requests == 4
