"""Telegram: the Bot API under /bot<token>/, and what people do in chats with its bots."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp

from local.clock import SimulatedClock
from local.fakes.chat import BLOCK, Bot, Bots, NoBotError, document, post
from local.fakes.http import Answer, Call
from local.faults import Fault, FaultRegistry
from local.outbox import Outbox, Sent
from local.store import Store

_BOT_PATH = re.compile(r"/bot(\d+:[\w-]+)/(\w+)")
_LONGEST_TEXT = 4096
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_CHAT = re.compile(r"\d{1,15}")


class Telegram:
    """The Bot API. A bot without a webhook writes to anybody; one with a webhook to whoever has started it."""

    def __init__(
        self, store: Store, outbox: Outbox, clock: SimulatedClock, session: aiohttp.ClientSession, faults: FaultRegistry
    ) -> None:
        self._bots = Bots(store, "telegram")
        self._outbox = outbox
        self._clock = clock
        self._session = session
        self._faults = faults

    async def answer(self, call: Call) -> Answer:
        """Answer one method call."""
        match = _BOT_PATH.fullmatch(call.path)
        if match is None:
            return _problem(404, "Not Found")
        token, method = match.groups()
        form = _form(call)
        if method == "sendMessage":
            return self._send(token, form)
        if method == "getMe":
            return _ok(_user(token))
        if method == "setWebhook":
            return self._set_webhook(token, form)
        if method == "deleteWebhook":
            self._bots.set_webhook(token, None)
        if method == "getWebhookInfo":
            known = self._bots.webhook(token) or {}
            return _ok({"url": known.get("url", ""), "has_custom_certificate": False, "pending_update_count": 0})
        return _ok(True)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault; the code of `reject` is the description of a 403, or `<status> <description>`."""
        if fault.kind == "throttle":
            seconds = int(fault.code or 5)
            body = {"ok": False, "error_code": 429, "description": f"Too Many Requests: retry after {seconds}"}
            return Answer(429, {**body, "parameters": {"retry_after": seconds}})
        if fault.kind == "reject":
            said = str(fault.code or "Forbidden: bot was blocked by the user")
            status, _, description = said.partition(" ")
            return _problem(int(status), description) if status.isdecimal() else _problem(403, said)
        return _problem(500, "Internal Server Error")

    async def person(self, chat: str, text: str) -> int:
        """Let a person open a link, write, or block a bot; answers the webhook's status. Raises ValueError."""
        if not _CHAT.fullmatch(chat):
            raise ValueError("a Telegram chat is a number")
        bot, said = self._meant(chat, text)
        if said == BLOCK:
            self._bots.open(bot.token, chat, "kicked")
            return await self._update(bot, "my_chat_member", _member(bot.token, chat, self._now))
        self._bots.open(bot.token, chat, "member")
        message = {
            "message_id": self._bots.next_number(),
            "from": _person(chat),
            "chat": {"id": int(chat), "type": "private", "first_name": "Local"},
            "date": self._now,
            "text": said,
        }
        return await self._update(bot, "message", message)

    def _meant(self, chat: str, text: str) -> tuple[Bot, str]:
        """Find the bot that a person means, and what he says to it: a link says so itself."""
        link = urlsplit(text)
        if link.hostname != "t.me":
            return self._bots.of_person(chat), text
        name = link.path.strip("/")
        bot = next((bot for bot in self._bots.all() if _user(bot.token)["username"] == name), None)
        if bot is None:
            raise NoBotError(f"there is no bot @{name} here")
        return bot, f"/start {parse_qs(link.query).get('start', [''])[0]}".strip()

    async def _update(self, bot: Bot, kind: str, content: Mapping[str, Any]) -> int:
        update = {"update_id": self._bots.next_number(), kind: content}
        if kind not in bot.webhook.get("allowed_updates", (kind,)):
            return 204
        headers = {"x-telegram-bot-api-secret-token": str(bot.webhook.get("secret_token", ""))}
        found: tuple[int, Mapping[str, Any]] = (0, {})
        for _ in range(2 if self._faults.draw("telegram", {"duplicate_delivery"}) else 1):
            found = await post(self._session, bot.webhook["url"], json.dumps(update).encode(), headers)
        status, said = found
        if said.get("method") == "sendMessage":
            self._send(bot.token, said)
        return status

    def _set_webhook(self, token: str, form: Mapping[str, Any]) -> Answer:
        url, secret = str(form.get("url", "")), str(form.get("secret_token", ""))
        if urlsplit(url).scheme not in ("http", "https"):
            return _problem(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not _SECRET.fullmatch(secret):
            return _problem(400, "Bad Request: secret token contains unallowed characters")
        self._bots.set_webhook(token, dict(form))
        return _ok(True)

    def _send(self, token: str, form: Mapping[str, Any]) -> Answer:
        chat, text = str(form.get("chat_id", "")), str(form.get("text", ""))
        if not chat:
            return _problem(400, "Bad Request: chat_id is empty")
        if not text:
            return _problem(400, "Bad Request: message text is empty")
        if len(text) > _LONGEST_TEXT:
            return _problem(400, "Bad Request: message is too long")
        state = self._bots.state(token, chat)
        if state == "kicked":
            return _problem(403, "Forbidden: bot was blocked by the user")
        if state is None and self._bots.webhook(token) is not None:
            return _problem(400, "Bad Request: chat not found")
        number = self._bots.next_number()
        sender = _user(token)
        self._outbox.add(Sent("telegram", "telegram", chat, f"@{sender['username']}", text, provider_id=str(number)))
        to = {"id": int(chat) if chat.lstrip("-").isdigit() else chat, "type": "private"}
        return _ok({"message_id": number, "from": sender, "chat": to, "date": self._now, "text": text})

    @property
    def _now(self) -> int:
        return int(self._clock.time())


def _form(call: Call) -> Mapping[str, Any]:
    return document(call.body) or dict(parse_qsl(call.body.decode(errors="replace")))


def _user(token: str) -> dict[str, Any]:
    number = token.partition(":")[0]
    return {"id": int(number), "is_bot": True, "first_name": "Local", "username": f"local_{number}_bot"}


def _person(chat: str) -> dict[str, Any]:
    return {"id": int(chat), "is_bot": False, "first_name": "Local", "language_code": "en"}


def _member(token: str, chat: str, now: int) -> dict[str, Any]:
    bot = _user(token)
    return {
        "chat": {"id": int(chat), "type": "private", "first_name": "Local"},
        "from": _person(chat),
        "date": now,
        "old_chat_member": {"user": bot, "status": "member"},
        "new_chat_member": {"user": bot, "status": "kicked", "until_date": 0},
    }


def _ok(result: Any) -> Answer:
    return Answer(200, {"ok": True, "result": result})


def _problem(status: int, text: str) -> Answer:
    return Answer(status, {"ok": False, "error_code": status, "description": text})
