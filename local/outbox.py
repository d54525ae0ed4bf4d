"""Every message that reached a provider, as the person would see it."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.clock import SimulatedClock
from local.store import Store


@dataclass(frozen=True)
class Sent:
    """A message as a provider took it. `marker` is whatever in the call tells which message of ours it was.

    `headers`: those of an e-mail that were asked for beyond sender, recipient and subject.
    """

    channel: str
    provider: str
    to: str
    sender: str
    text: str
    subject: str | None = None
    html: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    provider_id: str = ""
    marker: str = ""


class Outbox:
    """The list of what was sent, oldest first, kept over restarts."""

    def __init__(self, store: Store, clock: SimulatedClock) -> None:
        self._store = store
        self._clock = clock

    def add(self, sent: Sent) -> str:
        """Note a message; answers the entry's id."""
        entry_id = str(uuid.uuid4())
        document = {"id": entry_id, "at": instant(self._clock.time()), **asdict(sent)}
        document["from"] = document.pop("sender")
        self._store.execute(
            "INSERT INTO outbox (id, document) VALUES (?, ?)", (sent.provider_id or entry_id, json.dumps(document))
        )
        return entry_id

    def entries(self) -> list[dict[str, Any]]:
        """Answer all entries, oldest first."""
        rows = self._store.execute("SELECT document FROM outbox ORDER BY number").fetchall()
        return [json.loads(row[0]) for row in rows]

    def count(self) -> int:
        """Answer how many there are."""
        number: int = self._store.execute("SELECT COUNT(*) FROM outbox").fetchone()[0]
        return number


def instant(seconds: float) -> str:
    """Write Unix seconds as an RFC 3339 instant with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
