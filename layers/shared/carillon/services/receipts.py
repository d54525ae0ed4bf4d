"""Receipts: what providers report afterwards moves a message on, never back.

A late failure gives the next channel its turn.
"""

from carillon.domain.messages import MessageKey
from carillon.domain.values import value
from carillon.ports.delivery import Tokens
from carillon.ports.messages import Messages, Moved
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock
from carillon.services.blocks import BLOCKED, Blocks
from carillon.services.fallback import Fallback


@value
class Receipt:
    """A provider's report: the token of the message, the status it reached, and why.

    `soft`: a failure that a delivery contradicts, so a message that was delivered stays so. `code`: the provider's.
    """

    token: str
    status: str
    reason: str | None
    provider_id: str | None
    soft: bool = False
    code: str | None = None


@value
class Received:
    """What a receipt did, for the log."""

    result: str
    org_id: str | None = None


@value
class Receipts:
    """Applies receipts. One that comes twice, late or out of order changes nothing."""

    messages: Messages
    reader: Reader
    tokens: Tokens
    fallback: Fallback
    blocks: Blocks
    clock: Clock

    def apply(self, receipt: Receipt) -> Received:
        """Apply one receipt; whatever raises may be repeated."""
        named = self.tokens.read(receipt.token)
        if named is None:
            return Received("not_ours")
        org_id, key = named
        if receipt.reason == BLOCKED:
            # First of all: a receipt may not come again, and what follows is decided knowing of it.
            self._heed(org_id, key, receipt)
        moved = Moved(receipt.status, self.clock.now(), receipt.reason, receipt.provider_id, soft=receipt.soft)
        applied = self.messages.receipt(org_id, key, moved)
        if receipt.status == "failed":
            # Also when it was applied before: whoever did may have died before the next channel got its turn.
            self._go_on(org_id, key)
        return Received("applied" if applied else "known", org_id)

    def _heed(self, org_id: str, key: MessageKey, receipt: Receipt) -> None:
        found = self.reader.read([Want(org_id, messages=(key,))])[0].messages.get(key)
        if found is not None:
            self.blocks.heed(org_id, found, at=self.clock.now(), code=receipt.code)

    def _go_on(self, org_id: str, key: MessageKey) -> None:
        found = self.reader.read([Want(org_id, messages=(key,))])[0].messages.get(key)
        if found is None or found.status != "failed" or found.client_id is None:
            return
        want = Want(org_id, record=found.occasion.record, clients=(found.client_id,), texts=True)
        self.fallback.resume(org_id, found, self.reader.read([want])[0])
