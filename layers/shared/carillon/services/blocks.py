"""Blocks: a provider says that the person blocked the sender, or told it to stop. That is an opt-out like any other."""

from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.messages import Message
from carillon.domain.values import value
from carillon.ports.opting import OptOuts
from carillon.ports.suppressions import AddressMarks

BLOCKED = "blocked_by_recipient"
PROVIDERS: dict[Channel, str] = {
    "email": "ses",
    "sms": "aws",
    "whatsapp": "twilio",
    "push": "sns",
    "telegram": "telegram",
    "viber": "viber",
}
"""Who says so, as the ledger names it."""


@value
class Blocks:
    """Heeds blocks. May be repeated: what the person has said since counts more."""

    opt_outs: OptOuts
    marks: AddressMarks | None = None

    def heed(self, org_id: str, message: Message, *, at: datetime, code: str | None = None) -> None:
        """Note that a message met a block; `code`: the provider's, for the ledger.

        A message that met it before, and whose handler may have died before it noted so, says itself when that was.
        """
        if message.channel is None:
            return
        met = message.status == "failed" and message.reason == BLOCKED and message.timeline
        source = f"{PROVIDERS[message.channel]}_{code or 'block'}"
        said = message.timeline[-1][0] if met else at
        if message.key.recipient.startswith("t:"):
            # A lead's contact has no document of its own: its address is remembered.
            if self.marks is not None and message.to is not None:
                self.marks.said(org_id, message.channel, message.to, "out", said)
            return
        self.opt_outs.out(org_id, message.key.recipient, message.channel, source=source, at=said)
