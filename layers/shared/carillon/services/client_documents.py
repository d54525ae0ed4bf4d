"""Clients as answers show them."""

from typing import Annotated

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, ConsentState
from carillon.domain.consents import can_message
from carillon.domain.constraints import Email, Id, Items, Locale, Name, PhoneInput, Text, Zone, document

Tags = Annotated[list[Annotated[str, Text(max=50, min=1)]], Items(max=20)]


@document
class ClientDocument:
    """A client as answers show it; `phone` is E.164. `can_message`: address, consent and no opt-out, per channel."""

    id: Id
    first_name: Name | None
    last_name: Name | None
    email: Email | None
    phone: PhoneInput | None
    locale: Locale | None
    time_zone: Zone | None
    tags: Tags
    enrolled: bool
    consents: ConsentState
    allow_shared_contact: bool
    telegram_linked: bool
    viber_linked: bool
    can_message: dict[Channel, bool]


def shown(client: Client) -> ClientDocument:
    """Show a client as answers do."""
    return ClientDocument(
        id=client.id,
        first_name=client.first_name,
        last_name=client.last_name,
        email=client.email,
        phone=client.phone,
        locale=client.locale,
        time_zone=client.time_zone,
        tags=client.tags,
        enrolled=client.enrolled,
        consents=client.consents,
        allow_shared_contact=client.allow_shared_contact,
        telegram_linked="telegram" in client.reach.chats,
        viber_linked="viber" in client.reach.chats,
        can_message=can_message(client),
    )
