"""A store of messages with a way to look into it, and messages brought into each status."""

from itertools import count
from typing import Any

from carillon.domain.messages import Message
from carillon.ports.messages import Claim, Messages, Moved
from carillon.ports.reading import Reader, Want
from tests.builders import NOW, message

OWNER = "01OWNER"
_numbers = count(1)


class Store:
    """A store and a way to look into it; each test has an organization of its own."""

    def __init__(self, messages: Messages, reader: Reader) -> None:
        self.messages = messages
        self.o = f"org{next(_numbers)}"
        self._reader = reader

    def at(self, of: Message) -> Message | None:
        return self._reader.read([Want(self.o, messages=(of.key,))])[0].messages.get(of.key)

    def put(self, **changes: Any) -> Message:
        made = message(**changes)
        assert self.messages.create(self.o, made, retention_days=90)
        return made

    def claimed(self, **changes: Any) -> Message:
        made = self.put(**changes)
        assert self.messages.claim(self.o, made, Claim(OWNER, NOW, "to@example.com", 1))
        held = self.at(made)
        assert held is not None
        return held

    def in_status(self, status: str) -> Message:
        """Bring a message into a status the way it gets there."""
        if status == "queued":
            return self.put()
        if status in ("suppressed", "expired", "cancelled"):
            made = self.put()
            assert self.messages.withdraw(self.o, made, Moved(status, NOW, "x"))
            return made
        made = self.claimed()
        if status != "sending":
            first = "sent" if status in ("delivered", "read") else status
            assert self.messages.finish(self.o, made, Moved(first, NOW, "x"), owner=OWNER)
        if status in ("delivered", "read"):
            assert self.messages.receipt(self.o, made.key, Moved(status, NOW))
        return made
