"""Who can be told: clients, members of staff, and the manager's and owner's addresses in the settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel, Purpose
from carillon.domain.clients import Client, Grants, Staff
from carillon.domain.settings import Settings


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone to be told: `ref` names where his messages lie; `grants` None means no consent is needed.

    `addresses` maps kinds of address (`email`, `phone`) to what is known.
    """

    audience: Audience
    ref: str
    addresses: Mapping[str, str | None]
    locale: str
    opted_out: tuple[Channel, ...] = ()
    grants: Mapping[Purpose, Grants] | None = None
    staff_id: str | None = None


def client_recipient(client: Client, settings: Settings) -> Recipient:
    """Take a client as someone to be told."""
    return Recipient(
        audience="client",
        ref=f"c:{client.id}",
        addresses={"email": client.email, "phone": client.phone},
        locale=client.locale or settings.locale,
        opted_out=tuple(client.opted_out),
        grants={"service": client.consents.service, "marketing": client.consents.marketing},
    )


def staff_recipient(member: Staff, audience: Audience, settings: Settings) -> Recipient:
    """Take a member of staff as someone to be told."""
    return Recipient(
        audience=audience,
        ref=f"s:{member.id}",
        addresses={"email": member.email, "phone": member.mobile},
        locale=member.locale or settings.locale,
        opted_out=tuple(member.opted_out),
        staff_id=member.id,
    )


def role_recipient(audience: Audience, ref: str, settings: Settings) -> Recipient | None:
    """Take the manager's or owner's address of the settings as someone to be told; None where there is none."""
    notified = settings.manager if audience == "manager" else settings.owner
    if notified.email is None and notified.mobile is None:
        return None
    return Recipient(audience, ref, {"email": notified.email, "phone": notified.mobile}, settings.locale)
