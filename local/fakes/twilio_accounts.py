"""Twilio's accounts: who may call, which WhatsApp numbers are whose, and where their inbound messages go.

Beside the deployment's account there are subaccounts for organizations that send from numbers of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.config import TWILIO_SUBACCOUNTS, WHATSAPP_NUMBER
from local.fakes.http import Answer, Call
from local.store import Store

_ACCOUNT = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})\.json")
_SENDERS = re.compile(r"/v2/Channels/Senders(?:/(XE[0-9a-f]{32}))?")


@dataclass(frozen=True)
class Account:
    """One account. `numbers`: its WhatsApp senders, each with Twilio's word for its status."""

    sid: str
    token: str
    status: str
    numbers: Mapping[str, str]


class Accounts:
    """Every account that there is; no other one gets in."""

    def __init__(self, deployment: tuple[str, str], store: Store) -> None:
        main = Account(*deployment, "active", {WHATSAPP_NUMBER: "ONLINE"})
        others = [Account(*facts) for facts in TWILIO_SUBACCOUNTS]
        self._known = {account.sid: account for account in (main, *others)}
        self._store = store

    def token(self, sid: str) -> str:
        """Answer an account's auth token, with which its callbacks are signed."""
        return self._known[sid].token

    def admits(self, sid: str, token: str) -> bool:
        """Whether these are an account's credentials; a suspended one may be read, and no more."""
        return sid in self._known and self._known[sid].token == token

    def has_sender(self, sid: str, number: str) -> bool:
        """Whether an account can send from a WhatsApp number."""
        account = self._known[sid]
        return account.status == "active" and account.numbers.get(number) == "ONLINE"

    def of_number(self, number: str) -> str | None:
        """Find the account that a WhatsApp number belongs to."""
        return next((sid for sid, account in self._known.items() if number in account.numbers), None)

    def inbound_url(self, number: str) -> str | None:
        """Answer where what is written to a number goes, if that was set."""
        return self._webhook(number).get("callback_url") or None

    def answer(self, call: Call, sid: str) -> Answer | None:
        """Answer a call about the account or its senders; None for any other."""
        account = self._known[sid]
        if (found := _ACCOUNT.fullmatch(call.path)) is not None:
            if found[1] != sid:
                return _problem(20404, 404, f"The requested resource {call.path} was not found")
            return Answer(200, {"sid": sid, "status": account.status, "type": "Full", "friendly_name": "local"})
        if (found := _SENDERS.fullmatch(call.path)) is None:
            return None
        listed = {self._sid(sid, number): number for number in account.numbers}
        if found[1] is None:
            senders = [self._shown(account, number) for number in account.numbers]
            return Answer(200, {"senders": senders, "meta": {"page": 0, "next_page_url": None, "key": "senders"}})
        if found[1] not in listed:
            return _problem(20404, 404, f"The requested resource {call.path} was not found")
        number = listed[found[1]]
        if call.method == "POST":
            change = json.loads(call.body or b"{}").get("webhook") or {}
            self._store.put_note(f"twilio sender {number}", self._webhook(number) | change)
            return Answer(202, self._shown(account, number))
        return Answer(200, self._shown(account, number))

    def _shown(self, account: Account, number: str) -> dict[str, Any]:
        return {
            "sid": self._sid(account.sid, number),
            "sender_id": f"whatsapp:{number}",
            "status": account.numbers[number],
            "webhook": self._webhook(number),
            "configuration": {"waba_id": "100000000000001"},
            "profile": {"name": "local"},
            "properties": {"quality_rating": "HIGH"},
            "offline_reasons": None,
        }

    def _webhook(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self._store.get_note(f"twilio sender {number}")
        return found or {"callback_url": "", "callback_method": "POST"}

    @staticmethod
    def _sid(sid: str, number: str) -> str:
        return "XE" + (sid[-4:] + number.lstrip("+")).rjust(32, "0")


def _problem(code: int, status: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "status": status})
