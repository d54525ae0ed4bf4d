"""Leads, as an integrator states them: of a client, or of a contact who is none yet."""

from dataclasses import fields, replace
from datetime import datetime
from typing import cast

from carillon.domain import consents
from carillon.domain.codec import Json, to_data
from carillon.domain.constraints import Id, document
from carillon.domain.errors import Fault, Invalid, InvalidValue
from carillon.domain.record_documents import Actor, Contact, Document, Lead, LeadBody
from carillon.domain.record_events import derive_of
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.ports.directory import Phones
from carillon.ports.reading import Reader
from carillon.ports.records import Records
from carillon.ports.system import Clock
from carillon.services.clients import ClientInput, ClientKeeping
from carillon.services.record_plans import LATELY, day_of
from carillon.services.records import Named, RecordKeeping, Stated, each_of


@document
class LeadInput(LeadBody, Stated):
    """A lead as an integrator states it.

    Whose it is: `client_id` names a client, `client` brings one along, made or updated together with the record, or
    `contact` says who it is and what he agreed to; one of the three. `id` may repeat the path's. `actor` says who made
    this change, `updated_at` when the integrator's system did: an older one than the stored is ignored. `notify` false
    stores silently.
    """

    client_id: Id | None = None
    client: ClientInput | None = None
    contact: Contact | None = None


class Leads(RecordKeeping[LeadInput]):
    """Use cases on leads."""

    collection, noun = "leads", "lead"

    def __init__(
        self, *, reader: Reader, records: Records, clients: ClientKeeping, clock: Clock, phones: Phones
    ) -> None:
        super().__init__(reader=reader, records=records, clients=clients, clock=clock)
        self._phones = phones

    def _span(self, since: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        return day_of(since or now - LATELY), now

    def _staff(self, stated: LeadInput) -> Named:
        return each_of("manager_ids", stated.manager_ids)

    def _wrong(self, stated: LeadInput) -> list[Fault]:
        found = who(to_data(stated))
        if stated.contact is not None:
            found += consents.faults(stated.contact.consents, self._clock.now(), "/contact/consents")
        return found

    def _document(
        self,
        stated: LeadInput,
        client_id: str | None,
        before: Document | None,  # noqa: ARG002 - the same for all collections
        settings: Settings,
    ) -> Lead:
        body = {field.name: getattr(stated, field.name) for field in fields(LeadBody)}
        contact = self._written(stated.contact, settings) if stated.contact is not None else None
        return Lead(**body, client_id=client_id, contact=contact)

    def _derive(
        self, before: Document | None, after: Document, *, actor: Actor, version: int, now: datetime, settings: Settings
    ) -> list[Event]:
        was, now_is = cast("Lead | None", before), cast("Lead", after)
        return derive_of(was, now_is, actor=actor, version=version, at=iso(now), settings=settings)

    def _written(self, contact: Contact, settings: Settings) -> Contact:
        """Write a contact's phone as E.164; raises Invalid for one that is none."""
        if contact.phone is None:
            return contact
        try:
            return replace(contact, phone=self._phones.normalise(contact.phone, settings.country))
        except InvalidValue as error:
            raise Invalid([Fault("/contact/phone", error.code, str(error))]) from error


def who(data: Json) -> list[Fault]:
    """Find what is wrong about whose lead it is: exactly one of `client_id`, `client` and `contact`."""
    given = [name for name in ("client_id", "client", "contact") if data.get(name) is not None]
    if not given:
        return [Fault("/client_id", "missing_field", "name a client, bring one along in `client`, or say `contact`")]
    return [Fault(f"/{name}", "invalid_value", "give one of `client_id`, `client` and `contact`") for name in given[1:]]
