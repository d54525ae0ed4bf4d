"""What is reported of an e-mail: its status, and whether its address may be written to again."""

from datetime import datetime

from carillon.domain.messages import MessageKey
from carillon.domain.reach import Refusal
from carillon.domain.values import value
from carillon.ports.delivery import Tokens
from carillon.ports.system import Clock
from carillon.services.opting import Opting
from carillon.services.receipts import Receipt, Receipts, Received
from carillon.services.suppressing import Suppressing

COMPLAINT = "ses_complaint"
"""Source of the opt-out that a complaint is."""


@value
class MailEvent:
    """A report: what it says of the message, and what against its addresses.

    `at`: when the mail was sent that bounced, or when the complaint was made; None: not known.
    """

    receipt: Receipt
    refusal: Refusal | None = None
    addresses: tuple[str, ...] = ()
    at: datetime | None = None


@value
class MailEvents:
    """Takes reports. One that comes twice, late, or about someone who is gone does no harm.

    The address comes first: what follows for the message, its next channel included, is decided knowing of it. Whoever
    dies in between has the report come again.
    """

    receipts: Receipts
    suppressing: Suppressing
    opting: Opting
    tokens: Tokens
    clock: Clock

    def take(self, event: MailEvent) -> Received:
        """Take one report; whatever raises may be repeated."""
        named = self.tokens.read(event.receipt.token)
        if named is None:
            return Received("not_ours")
        if event.refusal is not None:
            self._refuse(*named, event, event.refusal)
        return self.receipts.apply(event.receipt)

    def _refuse(self, org_id: str, key: MessageKey, event: MailEvent, refusal: Refusal) -> None:
        at = event.at or self.clock.now()
        for address in event.addresses:
            self.suppressing.refuse(org_id, "email", address, refusal, at)
        if refusal == "address_complained":
            self.opting.out(org_id, key.recipient, "email", source=COMPLAINT, at=at)
