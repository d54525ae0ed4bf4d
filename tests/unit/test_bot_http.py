"""One call to a bot's API: what was never sent, what nobody can tell, and that credentials stay out of every log."""

from __future__ import annotations

import logging
import socket
import ssl
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, ReadTimeoutError

from carillon.adapters.providers.bot_http import CONNECT_SECONDS, READ_SECONDS, BotHttp, NeverSent, NoAnswer
from carillon.adapters.providers.telegram import TelegramBotApi
from carillon.adapters.providers.viber import ViberBotApi
from carillon.ports.delivery import Outcome, Provider
from tests.bots import TOKEN, VIBER_TOKEN, PlayedApi, outgoing, playing, raises

CONNECTION = HTTPSConnection("api.telegram.org")
PROVIDERS: list[tuple[str, Callable[[], Provider]]] = [
    ("telegram", lambda: TelegramBotApi("https://api.telegram.org")),
    ("viber", lambda: ViberBotApi("https://chatapi.viber.com")),
]
NEVER_SENT = [
    NewConnectionError(CONNECTION, f"refused /bot{TOKEN}/sendMessage"),
    NameResolutionError("api.telegram.org", CONNECTION, socket.gaierror(-2, "unknown")),
    ConnectTimeoutError(CONNECTION, "timed out"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"),
    TimeoutError("handshake"),
    ConnectionResetError(104, "reset in the handshake"),
]
LOST: list[tuple[Exception, str]] = [
    (TimeoutError(f"timed out reading /bot{TOKEN}/sendMessage"), "provider_timeout"),
    (ReadTimeoutError(None, f"/bot{TOKEN}/sendMessage", "timed out"), "provider_timeout"),  # type: ignore[arg-type]
    (ConnectionResetError(104, VIBER_TOKEN), "connection_lost"),
    (BrokenPipeError(32, TOKEN), "connection_lost"),
    (ssl.SSLError(1, "bad record"), "connection_lost"),
    (ValueError(TOKEN), "connection_lost"),
]


def broken(where: str, error: Exception) -> PlayedApi:
    api = PlayedApi()
    setattr(api, where, raises(error))
    return api


@pytest.mark.parametrize(("channel", "provider"), PROVIDERS)
@pytest.mark.parametrize("error", NEVER_SENT, ids=lambda error: type(error).__name__)
def test_without_a_connection_it_is_tried_again(
    channel: str, provider: Callable[[], Provider], error: Exception
) -> None:
    with playing(PlayedApi(on_connect=raises(error))) as api:
        assert provider().send(outgoing(channel)) == Outcome("retry", code=type(error).__name__)
    assert api.asked == []


@pytest.mark.parametrize(("channel", "provider"), PROVIDERS)
@pytest.mark.parametrize(("error", "reason"), LOST, ids=lambda value: type(value).__name__)
def test_once_written_a_lost_answer_is_unknown_and_nothing_is_asked_again(
    channel: str, provider: Callable[[], Provider], error: Exception, reason: str
) -> None:
    with playing(PlayedApi(on_answer=raises(error))) as api:
        outcome = provider().send(outgoing(channel))
    assert (outcome.kind, outcome.reason) == ("unknown", reason)
    assert len(api.asked) == 1
    assert api.closed == 1


@pytest.mark.parametrize(("channel", "provider"), PROVIDERS)
@pytest.mark.parametrize("where", ["on_connect", "on_answer"])
def test_no_token_is_logged_or_told_by_an_outcome(
    channel: str, provider: Callable[[], Provider], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with playing(broken(where, OSError(f"failed at {TOKEN} {VIBER_TOKEN}"))):
        outcome = provider().send(outgoing(channel))
    told = caplog.text + repr(outcome) + repr(outgoing(channel))
    assert TOKEN not in told
    assert VIBER_TOKEN not in told


@pytest.mark.parametrize("where", ["on_connect", "on_answer"])
def test_no_exception_carries_the_request(where: str) -> None:
    with playing(broken(where, OSError(TOKEN))), pytest.raises((NeverSent, NoAnswer)) as caught:
        BotHttp("https://api.telegram.org").post(f"/bot{TOKEN}/getMe", {})
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_urllib3_which_names_paths_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    BotHttp("https://api.telegram.org")
    logging.getLogger("urllib3.connectionpool").debug("https://api.telegram.org:443 POST /bot%s/getMe", TOKEN)
    logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=/bot%s/getMe)", TOKEN)
    assert caplog.text == ""


def test_a_call_ends_well_before_the_lease_of_its_claim() -> None:
    seen: list[Any] = []
    with playing(PlayedApi(body={})) as api:
        BotHttp("https://api.telegram.org").post("/x", {})
        seen += api.opened
    assert seen[0]["timeout"] == CONNECT_SECONDS
    assert seen[0]["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert 2 * CONNECT_SECONDS + READ_SECONDS <= 10


def test_only_the_beginning_of_an_endless_answer_is_read() -> None:
    with playing(PlayedApi(body='{"a": "' + "x" * 100_000 + '"}')):
        assert BotHttp("https://api.telegram.org").post("/x", {}).document == {}
