"""Appointments, as an integrator states them."""

from dataclasses import fields
from datetime import datetime
from typing import cast

from carillon.domain.codec import to_data
from carillon.domain.constraints import Id, document
from carillon.domain.errors import Fault
from carillon.domain.record_documents import Actor, Appointment, AppointmentBody, Document, Source
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.transitions import derive
from carillon.services.clients import ClientInput
from carillon.services.records import ROUNDS, Named, Put, RecordKeeping, Stated, each_of, whose

__all__ = ["ROUNDS", "AppointmentInput", "Appointments", "Put", "whose"]


@document
class AppointmentInput(AppointmentBody, Stated):
    """An appointment as an integrator states it.

    Whose it is: `client_id` names a client, or `client` brings one along, made or updated together with the record.
    `id` may repeat the path's. `actor` says who made this change, `updated_at` when the integrator's system did:
    an older one than the stored is ignored. `notify` false stores silently; plans still follow.
    """

    client_id: Id | None = None
    client: ClientInput | None = None
    source: Source | None = None


class Appointments(RecordKeeping[AppointmentInput]):
    """Use cases on appointments."""

    collection, noun = "appointments", "appointment"

    def _span(self, since: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        return since or now, None

    def _staff(self, stated: AppointmentInput) -> Named:
        return each_of("staff_ids", stated.staff_ids)

    def _wrong(self, stated: AppointmentInput) -> list[Fault]:
        return whose(to_data(stated))

    def _document(
        self,
        stated: AppointmentInput,
        client_id: str | None,
        before: Document | None,
        settings: Settings,  # noqa: ARG002 - the same for all collections
    ) -> Appointment:
        body = {field.name: getattr(stated, field.name) for field in fields(AppointmentBody)}
        source = before.source if isinstance(before, Appointment) else stated.source or "api"
        return Appointment(**body, client_id=client_id or "", source=source)

    def _derive(
        self, before: Document | None, after: Document, *, actor: Actor, version: int, now: datetime, settings: Settings
    ) -> list[Event]:
        was, now_is = cast("Appointment | None", before), cast("Appointment", after)
        return derive(was, now_is, actor=actor, version=version, now=now, zone=settings.time_zone)
