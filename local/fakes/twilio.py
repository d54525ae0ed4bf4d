"""Twilio's Messages API: accepts, refuses, reports back by signed callbacks, and can be asked."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.clock import SimulatedClock
from local.fakes.callbacks import Callbacks, signed_form
from local.fakes.http import Answer, Call
from local.fakes.twilio_accounts import Accounts
from local.fakes.twilio_content import ContentError, ContentTemplates
from local.faults import Fault, FaultRegistry
from local.outbox import Outbox, Sent
from local.store import Store

_PATH = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-zA-Z]{32})/Messages(?:/(\w+))?\.json")
_ADDRESS = re.compile(r"(whatsapp:)?\+[1-9]\d{6,14}")
_WINDOW_S = 24 * 3600
_BODY_LENGTH = 1600
_SENT_AFTER_S, _DELIVERED_AFTER_S = 1.0, 2.0
_THROTTLED = 20429
# Codes that Twilio reports by callback, after having accepted the message.
_LATER = range(30_001, 30_500), range(63_001, 63_100)


class _RefusedError(Exception):
    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class Twilio:
    """The fake. The account it is told of is the deployment's."""

    def __init__(
        self,
        account: tuple[str, str],
        store: Store,
        outbox: Outbox,
        callbacks: Callbacks,
        clock: SimulatedClock,
        faults: FaultRegistry,
    ) -> None:
        self.account_sid = account[0]
        self.accounts = Accounts(account, store)
        self._store = store
        self._outbox = outbox
        self._callbacks = callbacks
        self._clock = clock
        self._faults = faults
        self.content = ContentTemplates(store)

    async def answer(self, call: Call) -> Answer:
        """Answer one call to the Messages or the Content API."""
        try:
            account = self._authenticated(call)
            if call.path.startswith(("/v1/Content", "/v2/Content")):
                return self.content.answer(call, account)
            return self.accounts.answer(call, account) or self._messages(call, account)
        except _RefusedError as error:
            return _problem(error.code, error.status, str(error))
        except ContentError as error:
            return _problem(error.code, error.status, str(error))

    def _messages(self, call: Call, account: str) -> Answer:
        match = _PATH.fullmatch(call.path)
        if match is None or match.group(1) != account:
            raise _RefusedError(20404, f"The requested resource {call.path} was not found", 404)
        if call.method == "POST" and match.group(2) is None:
            parameters = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
            return Answer(201, self._create(account, parameters, None))
        if match.group(2):
            return Answer(200, self._fetch(match.group(2)))
        return Answer(200, self._list(account, call))

    def refuse(self, fault: Fault, call: Call) -> Answer | None:
        """Answer a fault: codes that come by callback are taken and reported later."""
        if fault.kind == "error_5xx":
            return _problem(20500, 500, "Internal Server Error")
        if fault.kind == "throttle":
            return _problem(int(fault.code or _THROTTLED), 429, "Too Many Requests")
        code = int(fault.code or 21_211)
        if call.method == "POST" and any(code in codes for codes in _LATER):
            account = self._authenticated(call)
            parameters = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
            return Answer(201, self._create(account, parameters, code))
        return _problem(code, 400, "played by the local cloud")

    def token(self, account: str) -> str:
        """Answer an account's auth token, with which its callbacks are signed."""
        return self.accounts.token(account)

    def note_inbound(self, sender: str, receiver: str) -> None:
        """Open the 24-hour window in which free text may go to `sender`."""
        self._store.put_note(f"whatsapp window {sender} {receiver}", self._clock.time())

    def _authenticated(self, call: Call) -> str:
        kind, _, encoded = call.headers.get("authorization", "").partition(" ")
        try:
            account, _, token = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            account, token = "", ""
        if kind.lower() != "basic" or not self.accounts.admits(account, token):
            raise _RefusedError(20003, "Authenticate", 401)
        return account

    def _create(self, account: str, parameters: Mapping[str, str], later: int | None) -> dict[str, Any]:
        to, sender = parameters.get("To", ""), parameters.get("From", "")
        self._check(to, sender, parameters)
        if sender.startswith("whatsapp:") and not self.accounts.has_sender(account, sender.removeprefix("whatsapp:")):
            raise _RefusedError(63007, "Twilio could not find a Channel with the specified From address")
        channel = "whatsapp" if to.startswith("whatsapp:") else "sms"
        text = parameters.get("Body", "")
        if parameters.get("ContentSid"):
            text = self.content.render(account, parameters["ContentSid"], parameters.get("ContentVariables"))
        elif channel == "whatsapp" and not self._window_open(to, sender):
            later = later or 63_016
        message = self._resource(account, to, sender, text)
        self._store.put_note(f"twilio {message['sid']}", message)
        url = parameters.get("StatusCallback", "")
        if later is None:
            self._outbox.add(
                Sent(
                    channel=channel,
                    provider="twilio",
                    to=to.removeprefix("whatsapp:"),
                    sender=sender.removeprefix("whatsapp:"),
                    text=text,
                    provider_id=message["sid"],
                    marker=url,
                )
            )
        self._plan_callbacks(message, url, later)
        return message

    def _check(self, to: str, sender: str, parameters: Mapping[str, str]) -> None:
        if not to:
            raise _RefusedError(21604, "A 'To' phone number is required.")
        if not _ADDRESS.fullmatch(to):
            raise _RefusedError(21211, f"Invalid 'To' Phone Number: {to}")
        if not sender and not parameters.get("MessagingServiceSid"):
            raise _RefusedError(21603, "A 'From' phone number is required.")
        if to.startswith("whatsapp:") is not sender.startswith("whatsapp:"):
            raise _RefusedError(21910, "Invalid From and To pair. From and To should be of the same channel")
        if not parameters.get("Body") and not parameters.get("ContentSid"):
            raise _RefusedError(21619, "A text message body or media urls must be specified.")
        if len(parameters.get("Body", "")) > _BODY_LENGTH:
            raise _RefusedError(21617, "The concatenated message body exceeds the 1600 character limit")

    def _window_open(self, to: str, sender: str) -> bool:
        last = self._store.get_note(f"whatsapp window {to} {sender}")
        return last is not None and self._clock.time() - last < _WINDOW_S

    def _resource(self, account: str, to: str, sender: str, text: str) -> dict[str, Any]:
        sid = "SM" + uuid.uuid4().hex
        now = datetime.fromtimestamp(self._clock.time(), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": text,
            "date_created": now,
            "date_sent": None,
            "date_updated": now,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": sid,
            "status": "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": to,
            "uri": f"{uri}.json",
        }

    def _plan_callbacks(self, message: Mapping[str, Any], url: str, later: int | None) -> None:
        steps: list[tuple[float, str, int | None]]
        if later is None:
            steps = [(_SENT_AFTER_S, "sent", None), (_DELIVERED_AFTER_S, "delivered", None)]
        else:
            steps = [(_SENT_AFTER_S, "failed" if later >= 63_000 else "undelivered", later)]  # noqa: PLR2004
        for after, status, code in steps:
            self._store.put_note(f"twilio {message['sid']} {status}", {"at": self._clock.time() + after, "code": code})
            if not url:
                continue
            parameters = {
                "SmsSid": message["sid"],
                "SmsStatus": status,
                "MessageStatus": status,
                "To": message["to"],
                "MessageSid": message["sid"],
                "AccountSid": message["account_sid"],
                "From": message["from"],
                "ApiVersion": "2010-04-01",
            }
            if message["to"].startswith("whatsapp:"):
                parameters |= {"ChannelPrefix": "whatsapp", "StructuredMessage": "false"}
            if code is not None:
                parameters["ErrorCode"] = str(code)
            headers, body = signed_form(self.accounts.token(message["account_sid"]), url, parameters)
            for _ in range(2 if self._faults.draw("twilio", {"duplicate_delivery"}) else 1):
                self._callbacks.add(after, url, headers, body)

    def _fetch(self, sid: str) -> dict[str, Any]:
        message: dict[str, Any] | None = self._store.get_note(f"twilio {sid}")
        if message is None:
            raise _RefusedError(20404, f"The requested resource /Messages/{sid} was not found", 404)
        for status in ("sent", "delivered", "failed", "undelivered"):
            step = self._store.get_note(f"twilio {sid} {status}")
            if step is not None and step["at"] <= self._clock.time():
                message |= {"status": status, "error_code": step["code"], "date_sent": message["date_created"]}
        return message

    def _list(self, account: str, call: Call) -> dict[str, Any]:
        rows = self._store.execute("SELECT document FROM notes WHERE name GLOB 'twilio SM*' ORDER BY rowid DESC")
        sids = [document["sid"] for (text,) in rows if "sid" in (document := json.loads(text))]
        messages = [self._fetch(sid) for sid in sids]
        wanted = [m for m in messages if m["account_sid"] == account and _listed(m, call.query)]
        uri = f"/2010-04-01/Accounts/{account}/Messages.json"
        size = int(call.query.get("PageSize", 50))
        return {
            "messages": wanted[:size],
            "page": 0,
            "page_size": size,
            "start": 0,
            "end": max(0, min(size, len(wanted)) - 1),
            "uri": uri,
            "first_page_uri": uri,
            "next_page_uri": None,
            "previous_page_uri": None,
        }


def _listed(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    if query.get("To", message["to"]) != message["to"] or query.get("From", message["from"]) != message["from"]:
        return False
    moment = datetime.strptime(message["date_created"], "%a, %d %b %Y %H:%M:%S %z")
    after, before, day = query.get("DateSent>"), query.get("DateSent<"), query.get("DateSent")
    return (
        (not after or moment >= _moment(after))
        and (not before or moment <= _moment(before))
        and (not day or moment.date() == _moment(day).date())
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _problem(code: int, status: int, message: str) -> Answer:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Answer(status, body)
