"""Telegram's updates: known by the secret that only Telegram was told, read into what a person did in the chat."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from carillon.domain.chats import ChatEvent

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
UPDATES = ("message", "my_chat_member")
"""The kinds of update that we ask for."""
START = "/start"
ENDED = frozenset({"kicked", "left"})


def webhook_secret(bot_token: str, channel_id: str) -> str:
    """Give what Telegram sends along with each update: 43 letters, digits, `-` and `_`.

    It follows from the token, so that connecting again sets the same one and nothing has to be kept.
    """
    mac = hmac.new(bot_token.encode(), b"telegram webhook " + channel_id.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def is_from_telegram(bot_token: str, channel_id: str, given: str | None) -> bool:
    """Whether an update carries the secret; compared in constant time, and a missing one is none."""
    if not bot_token or not given:
        return False
    return hmac.compare_digest(webhook_secret(bot_token, channel_id).encode(), given.encode(errors="replace"))


def read_update(body: str) -> ChatEvent | None:
    """Read an update; None for what tells nothing: groups, other bots, pictures, or no update at all."""
    try:
        update = json.loads(body)
    except ValueError:
        return None
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        return None
    number = str(update["update_id"])
    for kind, read in (("message", _message), ("my_chat_member", _membership)):
        document = update.get(kind)
        if isinstance(document, dict) and _is_private(document):
            return read(number, document)
    return None


def answer(chat_id: str, text: str) -> dict[str, Any]:
    """Give the body with which a webhook's answer says something in the chat: Telegram sends it as it takes the answer.

    So it goes out exactly when the update counts as delivered, without a call that could be lost or repeated.
    """
    return {"method": "sendMessage", "chat_id": chat_id, "text": text, "link_preview_options": {"is_disabled": True}}


def _message(number: str, message: Mapping[str, Any]) -> ChatEvent | None:
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        return None
    command, _, payload = text.strip().partition(" ")
    if command == START:
        return _event("opened", number, message, text=payload.strip())
    return _event("wrote", number, message, text=text.removeprefix("/"))


def _membership(number: str, change: Mapping[str, Any]) -> ChatEvent | None:
    member = change.get("new_chat_member")
    if not isinstance(member, dict) or member.get("status") not in ENDED:
        return None
    return _event("ended", number, change)


def _event(kind: Any, number: str, document: Mapping[str, Any], text: str = "") -> ChatEvent:
    sender = document.get("from")
    language = sender.get("language_code") if isinstance(sender, dict) else None
    at = document.get("date")
    return ChatEvent(
        kind=kind,
        chat_id=str(document["chat"]["id"]),
        event_id=number,
        at=datetime.fromtimestamp(at, UTC) if isinstance(at, int) else None,
        text=text,
        language=language if isinstance(language, str) else None,
    )


def _is_private(document: Mapping[str, Any]) -> bool:
    chat, sender = document.get("chat"), document.get("from")
    if not isinstance(chat, dict) or chat.get("type") != "private" or not isinstance(chat.get("id"), int):
        return False
    return not (isinstance(sender, dict) and sender.get("is_bot"))
