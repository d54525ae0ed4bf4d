"""Orders, as an integrator states them."""

from dataclasses import fields
from datetime import datetime
from typing import cast

from carillon.domain.codec import to_data
from carillon.domain.constraints import Id, document
from carillon.domain.errors import Fault
from carillon.domain.record_documents import Actor, Document, Order, OrderBody
from carillon.domain.record_events import derive_of
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.services.clients import ClientInput
from carillon.services.record_plans import LATELY, day_of
from carillon.services.records import Named, RecordKeeping, Stated, each_of, whose


@document
class OrderInput(OrderBody, Stated):
    """An order as an integrator states it.

    Whose it is: `client_id` names a client, or `client` brings one along, made or updated together with the record.
    `id` may repeat the path's. `actor` says who made this change, `updated_at` when the integrator's system did:
    an older one than the stored is ignored. `notify` false stores silently.
    """

    client_id: Id | None = None
    client: ClientInput | None = None


class Orders(RecordKeeping[OrderInput]):
    """Use cases on orders."""

    collection, noun = "orders", "order"

    def _span(self, since: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        return day_of(since or now - LATELY), now

    def _staff(self, stated: OrderInput) -> Named:
        return [*each_of("executor_ids", stated.executor_ids), *each_of("manager_ids", stated.manager_ids)]

    def _wrong(self, stated: OrderInput) -> list[Fault]:
        return whose(to_data(stated))

    def _document(
        self,
        stated: OrderInput,
        client_id: str | None,
        before: Document | None,  # noqa: ARG002 - the same for all collections
        settings: Settings,  # noqa: ARG002
    ) -> Order:
        body = {field.name: getattr(stated, field.name) for field in fields(OrderBody)}
        return Order(**body, client_id=client_id or "")

    def _derive(
        self, before: Document | None, after: Document, *, actor: Actor, version: int, now: datetime, settings: Settings
    ) -> list[Event]:
        was, now_is = cast("Order | None", before), cast("Order", after)
        return derive_of(was, now_is, actor=actor, version=version, at=iso(now), settings=settings)
