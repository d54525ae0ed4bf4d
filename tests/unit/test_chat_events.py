"""What Telegram and Viber call back with, read into what a person did; and whether it is theirs."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.chat_texts import chat_text
from carillon.adapters.providers import telegram_updates, viber_events
from carillon.domain.chats import ChatEvent, ChatReceipt
from carillon.domain.templates import BUILT_IN_LOCALES
from tests.bots import TOKEN, VIBER_TOKEN

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PRIVATE = {"chat": {"id": 4711, "type": "private"}, "from": {"id": 4711, "language_code": "nl"}, "date": 1795348800}
USER = {"id": "01234567890A=", "language": "nl-NL"}
READ = (ChatEvent, ChatReceipt, type(None))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def update(**parts: Any) -> str:
    return json.dumps({"update_id": 9, **parts})


def viber(**parts: Any) -> bytes:
    return json.dumps({"timestamp": 1795348800000, "message_token": 77, **parts}).encode()


def event(kind: str, text: str = "", **changes: Any) -> ChatEvent:
    basis = {"chat_id": "4711", "event_id": "9", "at": AT, "text": text, "language": "nl"}
    return ChatEvent(kind=kind, **(basis | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/start pay-Load_1", event("opened", "pay-Load_1")),
        ("/start   pay ", event("opened", "pay")),
        ("/start", event("opened")),
        ("/stop", event("wrote", "stop")),
        ("/started", event("wrote", "started")),
        ("I'll be late", event("wrote", "I'll be late")),
        ("start", event("wrote", "start")),
    ],
)
def test_what_is_typed_on_telegram_is_a_link_a_command_or_a_reply(text: str, wanted: ChatEvent) -> None:
    assert telegram_updates.read_update(update(message={**PRIVATE, "text": text})) == wanted


@pytest.mark.parametrize(
    ("status", "ends"), [("kicked", True), ("left", True), ("member", False), ("restricted", False)]
)
def test_only_leaving_ends_a_telegram_chat(status: str, ends: bool) -> None:
    found = telegram_updates.read_update(update(my_chat_member={**PRIVATE, "new_chat_member": {"status": status}}))
    assert found == (event("ended") if ends else None)


@pytest.mark.parametrize("given_at", [None, "soon", 1.5])
def test_an_instant_that_is_none_is_left_out(given_at: object) -> None:
    found = telegram_updates.read_update(update(message={**PRIVATE, "date": given_at, "text": "hi"}))
    assert found is not None
    assert found.at is None


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (
            {"event": "conversation_started", "context": "pay", "user": USER, "subscribed": False},
            ("opened", "pay", False),
        ),
        ({"event": "conversation_started", "user": USER, "subscribed": True}, ("opened", "", True)),
        ({"event": "subscribed", "user": USER}, ("joined", "", True)),
        ({"event": "unsubscribed", "user_id": USER["id"]}, ("ended", "", True)),
        ({"event": "message", "sender": USER, "message": {"type": "text", "text": "hi"}}, ("wrote", "hi", True)),
        ({"event": "message", "sender": USER, "message": {"type": "picture"}}, ("joined", "", True)),
    ],
)
def test_what_happens_on_viber(document: dict[str, Any], wanted: tuple[str, str, bool]) -> None:
    found = viber_events.read_event(viber(**document))
    assert isinstance(found, ChatEvent)
    assert (found.kind, found.text, found.subscribed) == wanted
    assert (found.chat_id, found.event_id, found.at) == (USER["id"], "77", AT)


@pytest.mark.parametrize(("said", "status"), [("delivered", "delivered"), ("seen", "read"), ("failed", "failed")])
def test_receipts_name_the_message_by_vibers_token_or_by_ours(said: str, status: str) -> None:
    assert viber_events.read_event(viber(event=said, user_id="u")) == ChatReceipt(None, "77", "u", status)
    ours = viber_events.read_event(viber(event=said, user_id="u", tracking_data="tok"))
    assert ours == ChatReceipt("tok", "77", "u", status)


@given(ANYTHING)
def test_nothing_that_may_come_breaks_the_readers(content: object) -> None:
    for kind in ("message", "my_chat_member"):
        assert isinstance(telegram_updates.read_update(json.dumps({"update_id": 1, kind: content})), READ)
    for kind in ("message", "delivered", "subscribed", "unsubscribed", "conversation_started"):
        body = {"event": kind, "user": content, "sender": content, "message": content, "timestamp": content}
        assert isinstance(viber_events.read_event(json.dumps(body).encode()), READ)


@given(st.dictionaries(st.sampled_from(["chat", "from", "date", "text", "new_chat_member"]), ANYTHING))
def test_no_message_breaks_the_reader(message: dict[str, Any]) -> None:
    merged = {**message, "chat": {"id": 5, "type": "private"}}
    for kind in ("message", "my_chat_member"):
        assert isinstance(telegram_updates.read_update(json.dumps({"update_id": 1, kind: merged})), READ)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_json_tell_nothing(body: bytes) -> None:
    assert viber_events.read_event(b"\xff" + body) is None
    assert telegram_updates.read_update("\ufffd" + body.decode(errors="replace")) is None


@pytest.mark.parametrize("secret", [None, "", "wrong", "é", TOKEN])
def test_a_secret_that_does_not_fit_is_none(secret: str | None) -> None:
    assert telegram_updates.is_from_telegram(TOKEN, "CH1", secret) is False


def test_the_secret_is_the_one_that_was_set() -> None:
    secret = telegram_updates.webhook_secret(TOKEN, "CH1")
    assert telegram_updates.is_from_telegram(TOKEN, "CH1", secret) is True
    assert telegram_updates.is_from_telegram("", "CH1", secret) is False


def test_a_signature_covers_every_byte() -> None:
    body = viber(event="message")
    signed = hmac.new(VIBER_TOKEN.encode(), body, hashlib.sha256).hexdigest()
    assert viber_events.is_from_viber(VIBER_TOKEN, body, signed) is True
    assert viber_events.is_from_viber(VIBER_TOKEN, body + b" ", signed) is False
    for given_signature in (None, "", "zz", signed[:-1]):
        assert viber_events.is_from_viber(VIBER_TOKEN, body, given_signature) is False
    assert viber_events.is_from_viber("", body, hmac.new(b"", body, hashlib.sha256).hexdigest()) is False


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
@pytest.mark.parametrize("name", ["linked", "join", "expired", "unknown"])
def test_a_bot_says_it_in_every_language_and_a_name_is_but_a_name(locale: str, name: str) -> None:
    text = chat_text(name, (locale,), "{organization} & <b>Söhne</b>")
    assert text.count("{organization} & <b>Söhne</b>") == 1
    assert locale == "en" or text != chat_text(name, ("en",), "{organization} & <b>Söhne</b>")


def test_the_first_language_that_there_is_counts() -> None:
    assert chat_text("linked", ("de", "fr-CA", "nl"), "A") == chat_text("linked", ("fr",), "A")
    assert chat_text("linked", ("de",), "A") == chat_text("linked", ("en",), "A")
