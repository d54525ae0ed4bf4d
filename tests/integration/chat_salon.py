"""An organization with bots of its own and a client, and people who use their chats: as the providers call back."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from carillon.adapters import aws as aws_clients
from carillon.adapters.providers.telegram_updates import webhook_secret
from tests.bots import TOKEN, VIBER_TOKEN, PlayedBots
from tests.integration.account import Response, activate, call, event, new_organization
from tests.integration.world import World

CHAT = 4711
VIBER_USER = "01234567890A="
STATED = {"telegram": {"bot_token": TOKEN}, "viber": {"auth_token": VIBER_TOKEN, "name": "Salon Aurora"}}
BOOKING = {
    "client_id": "anna",
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "service": "Knippen",
    "status": "booked",
}


@dataclass
class ChatSalon:
    """Salon Aurora, its bots, and whoever taps and types there."""

    world: World
    bots: PlayedBots
    ids: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(100))

    def open(self, channel: str, *clients: str, **of_clients: Any) -> None:
        """Make the organization, connect its bot, and make clients."""
        new_organization()
        activate()
        self.connect(channel)
        for client_id in clients or ("anna",):
            person = {"id": client_id, "first_name": client_id.title(), "locale": "en"} | of_clients
            assert call("POST", "/v1/clients", person).status == 201

    def connect(self, channel: str) -> None:
        answer = call("PUT", f"/v1/channels/{channel}", STATED[channel])
        assert answer.status in (200, 201), answer.body
        self.ids[channel] = answer.body["id"]

    def book(self, channel: str, client_id: str = "anna", number: str = "42") -> None:
        """Have bookings told on a channel, and book."""
        rules = call("GET", "/v1/settings/rules").body["rules"]
        for rule in rules:
            if (rule["key"], rule["audience"]) == ("appointment.booked.console", "client"):
                rule["channels"] = {channel: {"enabled": True}}
        assert call("PUT", "/v1/settings/rules", {"rules": rules}, headers={"if-match": "*"}).status == 200
        assert call("PUT", f"/v1/appointments/{number}", BOOKING | {"client_id": client_id}).status == 201
        self.world.settle()

    def link(self, channel: str, client_id: str = "anna", **given: Any) -> str:
        """Ask for a link; gives its payload."""
        answer = call("POST", f"/v1/clients/{client_id}/{channel}-links", **given)
        assert answer.status == 201, answer.body
        query = parse_qs(urlsplit(str(answer.body["url"])).query)
        return (query.get("start") or query["context"])[0]

    # --- Telegram calls back ----------------------------------------------------------------------------------------

    def update(
        self, update: Mapping[str, Any], *, secret: str | None = None, channel_id: str | None = None
    ) -> Response:
        """Bring an update as Telegram does."""
        known = channel_id or self.ids["telegram"]
        header = webhook_secret(TOKEN, known) if secret is None else secret
        return callback(f"/callbacks/telegram/{known}", update, {"x-telegram-bot-api-secret-token": header})

    def wrote(self, text: str, *, chat: int = CHAT, number: int | None = None) -> Response:
        return self.update(self.message(text, chat=chat, number=number))

    def message(self, text: str, *, chat: int = CHAT, number: int | None = None) -> dict[str, Any]:
        return {
            "update_id": number or next(self._numbers),
            "message": {
                "message_id": 5,
                "date": self.seconds,
                "chat": {"id": chat, "type": "private", "first_name": "Anna"},
                "from": {"id": chat, "is_bot": False, "first_name": "Anna", "language_code": "nl"},
                "text": text,
            },
        }

    def member(self, status: str, *, chat: int = CHAT, at: int | None = None) -> Response:
        change = {
            "date": at or self.seconds,
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "Anna"},
            "old_chat_member": {"status": "member", "user": {"id": 110201543, "is_bot": True}},
            "new_chat_member": {"status": status, "user": {"id": 110201543, "is_bot": True}},
        }
        return self.update({"update_id": next(self._numbers), "my_chat_member": change})

    # --- Viber calls back -------------------------------------------------------------------------------------------

    def viber(self, document: Mapping[str, Any], *, token: str = VIBER_TOKEN, signed: bool = True) -> Response:
        """Bring an event as Viber does."""
        body = json.dumps({"timestamp": self.seconds * 1000, "message_token": next(self._numbers), **document})
        signature = hmac.new(token.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"x-viber-content-signature": signature} if signed else {}
        return callback(f"/callbacks/viber/{self.ids['viber']}", body, headers)

    def opened(self, payload: str, *, subscribed: bool = False, user: str = VIBER_USER) -> Response:
        person = {"id": user, "name": "Anna", "language": "nl", "country": "NL", "api_version": 10}
        started = {"event": "conversation_started", "type": "open", "context": payload, "subscribed": subscribed}
        return self.viber({**started, "user": person})

    def said(self, text: str, user: str = VIBER_USER) -> Response:
        return self.viber(
            {"event": "message", "sender": {"id": user, "language": "nl"}, "message": {"type": "text", "text": text}}
        )

    def just_before(self, operation: str, action: Callable[[], object]) -> None:
        """Let somebody come in between: `action` runs once, right before the next such call to the table."""
        events = aws_clients.client("dynamodb").meta.events
        events.register("before-call.dynamodb", self._heard, unique_id="chat-salon")
        self.world.aws.just_before(operation, action)

    def _heard(self, model: Any, **_: object) -> None:
        self.world.aws.heard(model.name)

    # --- What there is ----------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> int:
        return int(self.world.aws.clock.now().timestamp())

    def client(self, client_id: str = "anna") -> dict[str, Any]:
        answer = call("GET", f"/v1/clients/{client_id}")
        assert answer.status == 200
        return dict(answer.body)

    def rows(self, prefix: str = "aurora#U#") -> list[tuple[str, str]]:
        """Rows by which somebody is found under a chat."""
        return sorted((item["pk"], item["sk"]) for item in self.world.aws.items(prefix) if item.get("ty") == "chat")

    def history(self, channel: str, client_id: str = "anna") -> list[tuple[str, bool, str]]:
        """The consent ledger of a channel: purpose, granted, source."""
        lines = call("GET", f"/v1/clients/{client_id}/consents").body["history"]
        return [(line["purpose"], line["granted"], line["source"]) for line in lines if line["channel"] == channel]

    def statuses(self) -> list[tuple[str | None, str, str | None]]:
        return [(item.get("ch"), item["st"], item.get("rs")) for item in self.world.messages()]


def callback(path: str, body: Any, headers: Mapping[str, str]) -> Response:
    """Call the door of callbacks as API Gateway does."""
    handler = importlib.import_module("functions.callbacks.app").lambda_handler
    answer = json.loads(json.dumps(handler(event("POST", path, body, headers=headers), None)))
    text = answer["body"]
    return Response(answer["statusCode"], json.loads(text) if text else None, answer["headers"])
