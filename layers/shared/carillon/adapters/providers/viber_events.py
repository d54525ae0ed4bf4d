"""Viber's callbacks: verified by signature, read into what a person did in the chat or what became of a message."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from carillon.adapters.providers.viber import LONGEST_NAME, OLDEST_CLIENT
from carillon.domain.chats import ChatEvent, ChatReceipt

SIGNATURE_HEADER = "x-viber-content-signature"
RECEIPTS = {"delivered": "delivered", "seen": "read", "failed": "failed"}
EVENTS = (*RECEIPTS, "subscribed", "unsubscribed", "conversation_started")
"""What we ask Viber to call back for; messages come unasked."""
LATEST_MS = 253_402_300_799_000


def is_from_viber(auth_token: str, body: bytes, given: str | None) -> bool:
    """Whether a callback was signed with this bot's token; a missing signature is none."""
    if not auth_token or not given:
        return False
    signature = hmac.new(auth_token.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), given.strip().casefold().encode(errors="replace"))


def read_event(body: bytes) -> ChatEvent | ChatReceipt | None:
    """Read a callback; None for what tells nothing: pictures, the webhook's own test, or no callback at all."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    event = document.get("event")
    if event in RECEIPTS:
        return _receipt(document, RECEIPTS[event])
    match event:
        case "conversation_started":
            subscribed = document.get("subscribed") is True
            return _event("opened", document, "user", text=str(document.get("context") or ""), subscribed=subscribed)
        case "subscribed":
            return _event("joined", document, "user")
        case "unsubscribed":
            return _event("ended", document, None)
        case "message":
            return _message(document)
    return None


def welcome(sender: str, text: str) -> dict[str, Any]:
    """Give the body with which the answer to `conversation_started` says something in the chat.

    It is the only message that somebody who is not subscribed yet can be sent.
    """
    return {"type": "text", "sender": {"name": sender[:LONGEST_NAME]}, "text": text, "min_api_version": OLDEST_CLIENT}


def _receipt(document: Mapping[str, Any], status: str) -> ChatReceipt:
    # Which fields a receipt repeats of what it is about depends on Viber's version, so the message's id serves too.
    stated = document.get("tracking_data")
    message_token = document.get("message_token")
    return ChatReceipt(
        token=stated if isinstance(stated, str) and stated else None,
        provider_id=str(message_token) if message_token is not None else None,
        chat_id=str(document.get("user_id") or ""),
        status=status,
    )


def _message(document: Mapping[str, Any]) -> ChatEvent | None:
    message = document.get("message")
    text = message.get("text") if isinstance(message, dict) else None
    if not isinstance(text, str) or not text.strip():
        # A picture is no reply that anybody could read, but whoever sends one has subscribed.
        return _event("joined", document, "sender")
    return _event("wrote", document, "sender", text=text)


def _event(
    kind: Any, document: Mapping[str, Any], person: str | None, *, text: str = "", subscribed: bool = True
) -> ChatEvent | None:
    user = document.get(person) if person is not None else {"id": document.get("user_id")}
    chat_id = user.get("id") if isinstance(user, dict) else None
    if not isinstance(chat_id, str) or not chat_id or not isinstance(user, dict):
        return None
    at, language = document.get("timestamp"), user.get("language")
    return ChatEvent(
        kind=kind,
        chat_id=chat_id,
        event_id=str(document.get("message_token") or ""),
        at=datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) and 0 < at < LATEST_MS else None,
        text=text,
        language=language if isinstance(language, str) else None,
        subscribed=subscribed,
    )
