"""What e-mail has beyond other channels: a chosen sender, a calendar file, and a way out of marketing."""

from dataclasses import replace

from carillon.domain.clients import Staff
from carillon.domain.decide import purpose_of
from carillon.domain.mail_from import mail_from
from carillon.domain.messages import Message
from carillon.domain.values import value
from carillon.ports.delivery import Invitations, Links, Outgoing
from carillon.ports.reading import Snapshot


@value
class Mailing:
    """Completes an e-mail for its provider."""

    invitations: Invitations
    links: Links

    def complete(self, outgoing: Outgoing, message: Message, snapshot: Snapshot) -> Outgoing:
        """Say whom it comes from and what goes with it."""
        organization, settings, org_id = snapshot.organization, snapshot.settings, outgoing.org_id
        if organization is None or settings is None:
            return outgoing
        sender = mail_from(organization, settings, _writer(message, snapshot))
        invitation = self.invitations.of(org_id, message, snapshot, sender, outgoing.to)
        purpose, client_id = purpose_of(message.template), message.client_id
        marketing = purpose == "marketing" and client_id is not None
        return replace(
            outgoing,
            sender_name=sender.name,
            from_address=sender.address,
            reply_to=sender.reply_to,
            attachments=(invitation,) if invitation is not None else (),
            purpose=purpose,
            unsubscribe=self.links.unsubscribe(org_id, client_id) if marketing and client_id is not None else None,
        )


def _writer(message: Message, snapshot: Snapshot) -> Staff | None:
    """Find the member of staff whom a client's message is from: the first on the record who has an address."""
    if message.audience != "client" or snapshot.record is None:
        return None
    there = (snapshot.staff.get(staff_id) for staff_id in snapshot.record.staff_ids)
    return next((member for member in there if member is not None and member.active and member.email), None)
