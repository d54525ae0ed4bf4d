"""Whom an e-mail comes from: the deployment's no-reply address, the organization's own, or a member's of its staff.

A choice whose address is absent falls back to the one before it, so mail is never held up by a sender.
"""

from carillon.domain.clients import Staff
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.domain.values import value


@value
class MailFrom:
    """`address` None: the deployment's. `organizer`: who holds the appointment in calendars, None: the deployment's.

    The organizer is the same for all mail of an organization, whoever of its staff writes: calendars take a change
    from nobody else.
    """

    name: str
    address: str | None = None
    reply_to: str | None = None
    organizer: str | None = None


def mail_from(organization: Organization, settings: Settings, member: Staff | None = None) -> MailFrom:
    """Say whom a message comes from; `member`: of the staff, the one it is from if staff writes."""
    chosen, contact = settings.email_sender.from_, settings.contact.email
    own = own_address(organization) if chosen != "no_reply" else None
    if chosen != "staff" or member is None or member.email is None:
        return MailFrom(settings.name, own, contact, own)
    name = f"{member.name}, {settings.name}"
    if own is not None and domain_of(member.email) == domain_of(own):
        return MailFrom(name, member.email, None, own)
    return MailFrom(settings.name, own, member.email, own)


def own_address(organization: Organization) -> str | None:
    """Give the organization's own address if SES may send from it; None while there is none, or it waits."""
    state = organization.channels.get("email")
    return state.sender if state is not None and state.status == "active" and "@" in state.sender else None


def domain_of(address: str) -> str:
    """Give the domain of an address, as DNS knows it."""
    return address.rpartition("@")[2].casefold()
