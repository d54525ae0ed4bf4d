"""What the fakes of Telegram and Viber share: bots with their webhooks, and who has which chat open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.store import Store

_TIMEOUT_S = 30.0
BLOCK = "/block"
"""What a person types into `POST /inbound` to block a bot, which no text does in a real chat."""


@dataclass(frozen=True)
class Bot:
    """A bot that has a webhook; `webhook` is what was set."""

    token: str
    webhook: Mapping[str, Any]


class NoBotError(ValueError):
    """There is no bot that the person could mean."""


class Bots:
    """The bots of one provider, and their chats; kept over restarts."""

    def __init__(self, store: Store, provider: str) -> None:
        self._store = store
        self._provider = provider

    def set_webhook(self, token: str, webhook: Mapping[str, Any] | None) -> None:
        """Keep a bot's webhook; None takes it away."""
        self._store.put_note(f"{self._provider} bot {token}", webhook)

    def webhook(self, token: str) -> Mapping[str, Any] | None:
        """Answer a bot's webhook."""
        found: Mapping[str, Any] | None = self._store.get_note(f"{self._provider} bot {token}")
        return found

    def all(self) -> list[Bot]:
        """Answer the bots that have a webhook, the one that was connected last at the end."""
        rows = self._store.execute(
            "SELECT name, document FROM notes WHERE name GLOB ? ORDER BY rowid", (f"{self._provider} bot *",)
        ).fetchall()
        found = [(name.rpartition(" ")[2], json.loads(document)) for name, document in rows]
        return [Bot(token, webhook) for token, webhook in found if webhook]

    def of_person(self, person: str) -> Bot:
        """Find the bot whose chat a person has open, else the one that was connected last. Raises NoBotError."""
        bots = self.all()
        open_chat = self._store.get_note(f"{self._provider} open {person}")
        found = next((bot for bot in reversed(bots) if bot.token == open_chat), bots[-1] if bots else None)
        if found is None:
            raise NoBotError(f"no {self._provider} bot is connected: PUT /v1/channels/{self._provider} first")
        return found

    def open(self, token: str, person: str, state: str) -> None:
        """Note how a person's chat with a bot stands, and that it is the one in front of him."""
        self._store.put_note(f"{self._provider} chat {token} {person}", state)
        self._store.put_note(f"{self._provider} open {person}", token)

    def state(self, token: str, person: str) -> str | None:
        """Answer how a person's chat with a bot stands."""
        found: str | None = self._store.get_note(f"{self._provider} chat {token} {person}")
        return found

    def next_number(self) -> int:
        """Count messages and events; no number comes twice."""
        number = int(self._store.get_note(f"{self._provider} number") or 1000) + 1
        self._store.put_note(f"{self._provider} number", number)
        return number


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, Any]]:
    """Call a webhook; answers its status and what it says in JSON."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    sent = {"content-type": "application/json", **headers}
    async with session.post(url, data=body, headers=sent, timeout=timeout) as response:
        return response.status, document(await response.read())


def document(body: bytes) -> Mapping[str, Any]:
    """Read a JSON object; whatever else there is counts as an empty one."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
