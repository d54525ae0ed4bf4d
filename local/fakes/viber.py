"""Viber: the REST Bot API under /pa/, and what people do in chats with its bots."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from local.clock import SimulatedClock
from local.fakes.callbacks import Callbacks
from local.fakes.chat import BLOCK, Bot, Bots, NoBotError, document, post
from local.fakes.http import Answer, Call
from local.faults import Fault, FaultRegistry
from local.outbox import Outbox, Sent
from local.store import Store

_LONGEST_NAME, _LONGEST_TEXT = 28, 7000
_DELIVERED_AFTER_S = 2.0
_OK, _INVALID_URL, _INVALID_TOKEN, _BAD_DATA, _MISSING_DATA = 0, 1, 2, 3, 4
_NOT_SUBSCRIBED, _THROTTLED = 6, 12
_NAMES = {
    _OK: "ok",
    _INVALID_URL: "invalidUrl",
    _INVALID_TOKEN: "invalidAuthToken",
    _BAD_DATA: "badData",
    _MISSING_DATA: "missingData",
    _NOT_SUBSCRIBED: "receiverNotSubscribed",
    _THROTTLED: "tooManyRequests",
}
_HTTP_OK = 200


class Viber:
    """The REST API. A bot without a webhook writes to anybody; one with a webhook to whoever has subscribed."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        callbacks: Callbacks,
        clock: SimulatedClock,
        session: aiohttp.ClientSession,
        faults: FaultRegistry,
    ) -> None:
        self._store = store
        self._bots = Bots(store, "viber")
        self._outbox = outbox
        self._callbacks = callbacks
        self._clock = clock
        self._session = session
        self._faults = faults

    async def answer(self, call: Call) -> Answer:
        """Answer one call; failures come as 200 with a status, as from Viber."""
        token, form = call.headers.get("x-viber-auth-token", ""), document(call.body)
        if not token:
            return _status(_INVALID_TOKEN)
        if call.path == "/pa/send_message":
            return self._send(token, form)
        if call.path == "/pa/set_webhook":
            return await self._set_webhook(token, form)
        if call.path == "/pa/get_account_info":
            webhook = (self._bots.webhook(token) or {}).get("url", "")
            return _status(_OK, id=f"pa:{_uri(token)}", name="Local", uri=_uri(token), webhook=webhook)
        return _status(_OK)

    def refuse(self, fault: Fault, call: Call) -> Answer | None:  # noqa: ARG002
        """Answer a fault; the code of `reject` is Viber's status."""
        if fault.kind == "throttle":
            return _status(int(fault.code or _THROTTLED))
        if fault.kind == "reject":
            return _status(int(fault.code or _NOT_SUBSCRIBED))
        return Answer(500, {"status": -1, "status_message": "generalError"})

    async def person(self, user: str, text: str) -> int:
        """Let a person open a link, write, or leave a bot; answers the webhook's status. Raises ValueError."""
        link = urlsplit(text)
        if link.scheme == "viber":
            return await self._opened(user, parse_qs(link.query))
        bot = self._bots.of_person(user)
        if text == BLOCK:
            self._bots.open(bot.token, user, "unsubscribed")
            return (await self._event(bot, {"event": "unsubscribed", "user_id": user}))[0]
        self._bots.open(bot.token, user, "subscribed")
        await self._see(bot, user)
        message = {"type": "text", "text": text, "token": self._token()}
        return (await self._event(bot, {"event": "message", "sender": _person(user), "message": message}))[0]

    async def _opened(self, user: str, query: Mapping[str, list[str]]) -> int:
        uri, context = query.get("chatURI", [""])[0], query.get("context", [""])[0]
        bot = next((bot for bot in self._bots.all() if _uri(bot.token) == uri), None)
        if bot is None:
            raise NoBotError(f"there is no bot {uri} here")
        subscribed = self._bots.state(bot.token, user) == "subscribed"
        self._bots.open(bot.token, user, "subscribed" if subscribed else "opened")
        started = {"event": "conversation_started", "type": "open", "context": context, "subscribed": subscribed}
        status, said = await self._event(bot, {**started, "user": _person(user)})
        if said.get("type") == "text":
            name = str((said.get("sender") or {}).get("name", ""))
            self._outbox.add(Sent("viber", "viber", user, name, str(said["text"]), provider_id=str(self._token())))
        return status

    async def _see(self, bot: Bot, user: str) -> None:
        """Say that a person has seen what was delivered: whoever writes has read."""
        unseen = self._store.get_note(f"viber unseen {bot.token} {user}")
        self._store.put_note(f"viber unseen {bot.token} {user}", None)
        for message_token in unseen or ():
            await self._event(bot, {"event": "seen", "message_token": message_token, "user_id": user})

    async def _event(self, bot: Bot, content: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        body = self._body(content)
        found: tuple[int, Mapping[str, Any]] = (0, {})
        for _ in range(2 if self._faults.draw("viber", {"duplicate_delivery"}) else 1):
            found = await post(self._session, bot.webhook["url"], body, _signed(bot.token, body))
        return found

    def _body(self, content: Mapping[str, Any]) -> bytes:
        told = {"timestamp": int(self._clock.time() * 1000), "chat_hostname": "local", "message_token": self._token()}
        return json.dumps(told | dict(content)).encode()

    async def _set_webhook(self, token: str, form: Mapping[str, Any]) -> Answer:
        url = str(form.get("url", ""))
        if not url:
            self._bots.set_webhook(token, None)
            return _status(_OK)
        body = self._body({"event": "webhook"})
        try:
            status, _ = await post(self._session, url, body, _signed(token, body))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            status = 0
        if status != _HTTP_OK:
            return _status(_INVALID_URL)
        self._bots.set_webhook(token, dict(form))
        return _status(_OK, event_types=form.get("event_types", []))

    def _send(self, token: str, form: Mapping[str, Any]) -> Answer:
        name, user, text = str((form.get("sender") or {}).get("name", "")), form.get("receiver"), form.get("text")
        if not user or not text or not name:
            return _status(_MISSING_DATA)
        if len(name) > _LONGEST_NAME or len(str(text)) > _LONGEST_TEXT:
            return _status(_BAD_DATA)
        webhook = self._bots.webhook(token)
        if webhook is not None and self._bots.state(token, str(user)) != "subscribed":
            return _status(_NOT_SUBSCRIBED)
        message_token = self._token()
        marker = str(form.get("tracking_data", ""))
        sent = Sent("viber", "viber", str(user), name, str(text), provider_id=str(message_token), marker=marker)
        self._outbox.add(sent)
        if webhook is not None and "delivered" in webhook.get("event_types", ()):
            self._deliver(Bot(token, webhook), str(user), message_token)
        return _status(_OK, message_token=message_token)

    def _deliver(self, bot: Bot, user: str, message_token: int) -> None:
        """Plan the receipt, and remember what the person has yet to see."""
        unseen = self._store.get_note(f"viber unseen {bot.token} {user}") or []
        self._store.put_note(f"viber unseen {bot.token} {user}", [*unseen, message_token])
        body = self._body({"event": "delivered", "message_token": message_token, "user_id": user})
        headers = {"content-type": "application/json", **_signed(bot.token, body)}
        for _ in range(2 if self._faults.draw("viber", {"duplicate_delivery"}) else 1):
            self._callbacks.add(_DELIVERED_AFTER_S, bot.webhook["url"], headers, body.decode())

    def _token(self) -> int:
        return 5_741_311_803_000_000_000 + self._bots.next_number()


def _uri(token: str) -> str:
    return f"local{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def _person(user: str) -> dict[str, Any]:
    return {"id": user, "name": "Local", "language": "en", "country": "NL", "api_version": 10}


def _signed(token: str, body: bytes) -> dict[str, str]:
    return {"x-viber-content-signature": hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}


def _status(status: int, **more: Any) -> Answer:
    return Answer(200, {"status": status, "status_message": _NAMES.get(status, "generalError"), **more})
