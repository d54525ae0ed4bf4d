"""Who can be told: clients, members of staff, and the manager's and owner's addresses in the settings."""

from collections.abc import Mapping
from dataclasses import field

from carillon.domain.catalog import Audience
from carillon.domain.channels import CHANNELS, Channel, Purpose
from carillon.domain.clients import Client, Grants, Staff
from carillon.domain.ids import digest
from carillon.domain.organizations import Organization
from carillon.domain.reach import OptedAddress, Reach, Refusal, Refused
from carillon.domain.record_documents import Contact
from carillon.domain.settings import Settings
from carillon.domain.values import value


@value
class Recipient:
    """Someone to be told: `ref` names where his messages lie; `grants` None means no consent is needed.

    `addresses` maps kinds of address (`email`, `phone`, `telegram`, `viber`, `device`) to what is known; a device's is
    the ids of all devices, blank-separated, because a push message goes to each of them. `refused`: addresses that must
    not be written to again. `reach`: what else is known of the ways to him.
    """

    audience: Audience
    ref: str
    addresses: Mapping[str, str | None]
    locale: str
    opted_out: tuple[Channel, ...] = ()
    grants: Mapping[Purpose, Grants] | None = None
    staff_id: str | None = None
    refused: tuple[Refused, ...] = ()
    reach: Reach = field(default_factory=Reach)

    def refusal(self, channel: Channel) -> Refusal | None:
        """Say why the address of a channel must not be written to again; None where nothing is known against it."""
        address = self.addresses.get(CHANNELS[channel].address)
        return next((each.reason for each in self.refused if each.channel == channel and same(each, address)), None)


def client_recipient(client: Client, settings: Settings) -> Recipient:
    """Take a client as someone to be told."""
    return Recipient(
        audience="client",
        ref=f"c:{client.id}",
        addresses={"email": client.email, "phone": client.phone, **_linked(client.reach)},
        locale=client.locale or settings.locale,
        opted_out=tuple(client.opted_out),
        grants={"service": client.consents.service, "marketing": client.consents.marketing},
        refused=tuple(client.reach.refused),
        reach=client.reach,
    )


@value
class Marks:
    """What is known against a contact's addresses: channels its owner opted out of, and addresses not to write to."""

    opted_out: tuple[Channel, ...] = ()
    refused: tuple[Refused, ...] = ()


def contact_ref(contact: Contact) -> str:
    """Name where the messages of a contact lie: by its phone, else its e-mail, else its name, none of them readable."""
    return f"t:{digest('contact', contact.phone or contact.email or contact.name)}"


def contact_recipient(contact: Contact, settings: Settings, marks: Marks) -> Recipient:
    """Take a lead's contact as someone to be told, with the consents that were stated for it alone."""
    return Recipient(
        audience="client",
        ref=contact_ref(contact),
        addresses={"email": contact.email, "phone": contact.phone},
        locale=contact.locale or settings.locale,
        opted_out=marks.opted_out,
        grants={"service": contact.consents.service, "marketing": contact.consents.marketing},
        refused=marks.refused,
    )


def staff_recipient(member: Staff, audience: Audience, settings: Settings) -> Recipient:
    """Take a member of staff as someone to be told."""
    return Recipient(
        audience=audience,
        ref=f"s:{member.id}",
        addresses={"email": member.email, "phone": member.mobile, **_linked(member.reach)},
        locale=member.locale or settings.locale,
        opted_out=tuple(member.opted_out),
        staff_id=member.id,
        refused=tuple(member.reach.refused),
        reach=member.reach,
    )


def role_recipient(audience: Audience, ref: str, settings: Settings, organization: Organization) -> Recipient | None:
    """Take the manager's or owner's address of the settings as someone to be told; None where there is none.

    The organization knows what people at such addresses said, and which must not be written to again.
    """
    notified = settings.manager if audience == "manager" else settings.owner
    if notified.email is None and notified.mobile is None:
        return None
    addresses = {"email": notified.email, "phone": notified.mobile}
    said = (each for each in organization.opted if same(each, addresses.get(CHANNELS[each.channel].address)))
    out = tuple(each.channel for each in said if each.out)
    refused = tuple(organization.refused)
    return Recipient(audience, ref, addresses, settings.locale, opted_out=out, refused=refused)


def _linked(reach: Reach) -> dict[str, str | None]:
    devices = " ".join(device.id for device in reach.devices)
    return {"telegram": reach.chats.get("telegram"), "viber": reach.chats.get("viber"), "device": devices or None}


def same(noted: Refused | OptedAddress, address: str | None) -> bool:
    """Whether what is noted is about this address; letters' case does not make another one."""
    return address is not None and noted.address.casefold() == address.casefold()
