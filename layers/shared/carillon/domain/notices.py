"""Notices: what the organization's people are told of their own account, by e-mail and once each."""

from datetime import datetime, timedelta
from typing import Literal

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.messages import Message, Occasion, message_key
from carillon.domain.organizations import Organization
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient, role_recipient
from carillon.domain.settings import Settings
from carillon.domain.times import iso, parse_instant
from carillon.domain.values import value

Kind = Literal["channel_paused", "quota_low", "quota_exhausted"]
CHANNEL: Channel = "email"
"""Notices go by e-mail, with the deployment's own sender: an organization's own one may be what the notice is about."""
DEADLINE = timedelta(hours=72)
AUDIENCES: tuple[Audience, ...] = ("manager", "owner")
"""Whose address of the settings takes notices: the first that is there."""


@value
class Notice:
    """What is told: its kind, what it is about (a channel, a quota's bucket), and since when that holds."""

    kind: Kind
    about: str
    since: datetime

    @property
    def template(self) -> str:
        """The key of its text."""
        return f"notice.{self.kind}"

    def __str__(self) -> str:
        """Write it as an occasion names it: the same cause gives the same notice, whoever finds it."""
        return f"{self.kind}/{self.about}/{iso(self.since)}"

    @classmethod
    def read(cls, text: str) -> "Notice":
        """Read what an occasion names."""
        kind, about, since = text.split("/")
        return cls(kind, about, parse_instant(since))  # type: ignore[arg-type]


def notice_message(
    org_id: str, notice: Notice, organization: Organization, settings: Settings, now: datetime, message_id: str
) -> Message:
    """Make a notice's message; `suppressed` where the settings have no address for it, so that it shows anyway."""
    person = _person(organization, settings, f"#{notice.since.date().isoformat()}")
    audience: Audience = person.audience if person is not None else "manager"
    ref = person.ref if person is not None else f"r:manager#{notice.since.date().isoformat()}"
    channel, status = (CHANNEL, "queued") if person is not None else (None, "suppressed")
    reason = None if person is not None else "no_address"
    occasion = Occasion("", kind="notice", id=str(notice))
    return Message(
        key=message_key(org_id, occasion, audience, ref, channel),
        id=message_id,
        status=status,  # type: ignore[arg-type]
        channel=channel,
        audience=audience,
        to=person.addresses["email"] if person is not None else None,
        occasion=occasion,
        template=notice.template,
        created_at=now,
        deadline=now + DEADLINE,
        reason=reason,
        timeline=((now, status, reason),),
    )


def recheck_notice(
    message: Message, organization: Organization | None, settings: Settings | None, now: datetime
) -> Recheck:
    """Check a notice just before it is claimed: it goes to the address that the settings have now."""
    if organization is None or settings is None:
        return Recheck(status="suppressed", reason="superseded")
    if not organization.sends:
        return Recheck(status="suppressed", reason="notifications_inactive")
    if now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    person = role_recipient(message.audience, message.key.recipient, settings, organization)
    address = person.addresses["email"] if person is not None else None
    if person is None or not address:
        return Recheck(status="suppressed", reason="no_address")
    refusal = "opted_out" if CHANNEL in person.opted_out else person.refusal(CHANNEL)
    return Recheck(status="suppressed", reason=refusal) if refusal is not None else Recheck(address=address)


def _person(organization: Organization, settings: Settings, day: str) -> Recipient | None:
    found = (role_recipient(audience, f"r:{audience}{day}", settings, organization) for audience in AUDIENCES)
    return next((person for person in found if person is not None and person.addresses["email"]), None)
