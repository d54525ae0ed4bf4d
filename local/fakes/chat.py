"""Telegram's Bot API and Viber's REST API: sending text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from local.clock import SimulatedClock
from local.fakes.http import Answer, Call
from local.faults import Fault
from local.outbox import Outbox, Sent

_BOT_PATH = re.compile(r"/bot(\d+:[\w-]+)/(\w+)")
_TELEGRAM_LIMIT, _VIBER_NAME_LIMIT = 4096, 28
_VIBER_INVALID_TOKEN, _VIBER_MISSING_DATA, _VIBER_THROTTLED = 2, 3, 12


class Telegram:
    """The Bot API under /bot<token>/."""

    def __init__(self, outbox: Outbox, clock: SimulatedClock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._number = 0

    async def answer(self, call: Call) -> Answer:
        """Answer one method call."""
        match = _BOT_PATH.fullmatch(call.path)
        if match is None:
            return _telegram_problem(404, "Not Found")
        token, method = match.groups()
        bot = {"id": int(token.split(":")[0]), "is_bot": True, "first_name": "Local", "username": "local_bot"}
        if method == "getMe":
            return Answer(200, {"ok": True, "result": bot})
        if method != "sendMessage":
            return Answer(200, {"ok": True, "result": True})
        form = _form(call)
        chat, text = str(form.get("chat_id", "")), str(form.get("text", ""))
        if not chat:
            return _telegram_problem(400, "Bad Request: chat_id is empty")
        if not text or len(text) > _TELEGRAM_LIMIT:
            return _telegram_problem(400, "Bad Request: message text is empty or too long")
        self._number += 1
        provider_id = f"{chat}/{self._number}"
        self._outbox.add(Sent("telegram", "telegram", chat, str(bot["username"]), text, provider_id=provider_id))
        result = {
            "message_id": self._number,
            "from": bot,
            "chat": {"id": int(chat) if chat.lstrip("-").isdigit() else chat, "type": "private"},
            "date": int(self._clock.time()),
            "text": text,
        }
        return Answer(200, {"ok": True, "result": result})

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault."""
        if fault.kind == "throttle":
            body = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 5"}
            return Answer(429, {**body, "parameters": {"retry_after": 5}})
        if fault.kind == "reject":
            return _telegram_problem(403, str(fault.code or "Forbidden: bot was blocked by the user"))
        return _telegram_problem(500, "Internal Server Error")


class Viber:
    """The REST API under /pa/."""

    def __init__(self, outbox: Outbox, clock: SimulatedClock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._number = 0

    async def answer(self, call: Call) -> Answer:
        """Answer one call; failures come as 200 with a status, as from Viber."""
        if call.path != "/pa/send_message":
            return Answer(200, {"status": 0, "status_message": "ok"})
        if not call.headers.get("x-viber-auth-token"):
            return Answer(200, {"status": _VIBER_INVALID_TOKEN, "status_message": "invalidAuthToken"})
        form = _form(call)
        name = str((form.get("sender") or {}).get("name", ""))
        if not form.get("receiver") or not form.get("text") or not 0 < len(name) <= _VIBER_NAME_LIMIT:
            return Answer(200, {"status": _VIBER_MISSING_DATA, "status_message": "missingData"})
        self._number += 1
        provider_id = str(int(self._clock.time() * 1000) * 1000 + self._number)
        self._outbox.add(
            Sent(
                "viber",
                "viber",
                str(form["receiver"]),
                name,
                str(form["text"]),
                provider_id=provider_id,
                marker=str(form.get("tracking_data", "")),
            )
        )
        return Answer(200, {"status": 0, "status_message": "ok", "message_token": int(provider_id)})

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault."""
        if fault.kind == "throttle":
            return Answer(200, {"status": _VIBER_THROTTLED, "status_message": "tooManyRequests"})
        if fault.kind == "reject":
            return Answer(200, {"status": int(fault.code or 6), "status_message": "receiverNotSubscribed"})
        return Answer(500, {"status": 1, "status_message": "generalError"})


def _form(call: Call) -> Mapping[str, Any]:
    try:
        document = json.loads(call.body or b"{}")
    except ValueError:
        document = dict(parse_qsl(call.body.decode(errors="replace")))
    return document if isinstance(document, dict) else {}


def _telegram_problem(status: int, text: str) -> Answer:
    return Answer(status, {"ok": False, "error_code": status, "description": text})
