"""What has happened before a simulation and matters to what comes in it: sent reminders, and review requests.

Read in bulk, once, before anything is played: a reminder that is still to come has left no message, so only few places
have to be looked at.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from carillon.domain.catalog import REVIEW
from carillon.domain.clients import Client
from carillon.domain.decide import in_force
from carillon.domain.messages import MessageKey, Occasion, reminder_places
from carillon.domain.records import StoredRecord
from carillon.domain.reviews import Asked
from carillon.domain.same_day import span
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.queues import Due
from carillon.ports.reading import Reader, Want
from carillon.ports.reviews import ReviewRequests
from carillon.ports.same_day import ClientDays
from carillon.services.dispatching import wanted
from carillon.services.simulated import SimulatedDays, World

Days = tuple[datetime, datetime]


@value
class Past:
    """Reads it."""

    reader: Reader
    days: ClientDays
    requests: ReviewRequests

    def beside(self, org_id: str, world: World, dues: Iterable[Due], listed: Days) -> list[StoredRecord]:
        """Give the other appointments of the days of what is due that the world doesn't hold yet.

        `listed`: between which starts it holds all there are; only what reaches beyond costs a query, and a read.
        """
        zone, days = _settings(world).time_zone, set[tuple[str, datetime, datetime]]()
        for due, client in _shared(world, dues):
            since, until = span(world.records[due.record].appointment, zone)
            if since < listed[0] or until > listed[1]:
                days.add((client.id, since, until))
        found = [ref for each in sorted(days) for _, ref in self.days.starting(org_id, *each)]
        refs = [ref for ref in dict.fromkeys(found) if ref not in world.records and ref.startswith("appointments/")]
        read = self.reader.read([Want(org_id, record=ref) for ref in refs]) if refs else []
        return [each.record for each in read if each.record is not None]

    def recall(self, org_id: str, world: World, dues: Sequence[Due], now: datetime) -> None:
        """Put into the world what is stored of messages, and of review requests, that what is due depends on."""
        settings = _settings(world)
        places = {
            place for due in dues if _fired(world.records[due.record], due.name, now) for place in wanted(due).messages
        }
        if settings.collapse_same_day:
            places |= set(_of_the_days(org_id, world, dues, now))
        if settings.review.at_most_every_days:
            places |= self._requests(org_id, world, dues)
        if places:
            world.messages |= self.reader.read([Want(org_id, messages=tuple(places))])[0].messages

    def _requests(self, org_id: str, world: World, dues: Iterable[Due]) -> set[MessageKey]:
        """Read when clients were asked, and name where the messages lie that show whether anything came of it."""
        known = (world.clients.get(due.client_id) for due in dues if due.key == REVIEW)
        clients = {client.id: client for client in known if client is not None}
        ids = dict.fromkeys(name for client in clients.values() for name in (client.id, *client.merged))
        world.requests |= self.requests.by_client(org_id, ids)
        return {
            place
            for client in clients.values()
            for name in (client.id, *client.merged)
            if name in world.requests
            for place in _of_request(org_id, world.requests[name], client)
        }


def _settings(world: World) -> Settings:
    if world.base.settings is None:
        raise ValueError("a simulated organization has settings")
    return world.base.settings


def _shared(world: World, dues: Iterable[Due]) -> Iterator[tuple[Due, Client]]:
    """Give the reminders that may share another one's of their day, each with its client."""
    for due in dues:
        client = world.clients.get(due.client_id)
        reminder = in_force(client, due.key)
        if due.audience == "client" and client is not None and reminder is not None and reminder.when.ahead_of_start:
            yield due, client


def _of_the_days(org_id: str, world: World, dues: Iterable[Due], now: datetime) -> Iterator[MessageKey]:
    """Name where the messages lie of reminders that went out for other appointments of the days of what is due."""
    days, zone = SimulatedDays(world), _settings(world).time_zone
    for due, client in _shared(world, dues):
        for start, ref in days.starting(org_id, client.id, *span(world.records[due.record].appointment, zone)):
            if ref != due.record and _fired(world.records[ref], due.key, now):
                occasion = Occasion(ref, reminder=due.key, start=start)
                for name in (client.id, *client.merged):
                    yield from reminder_places(org_id, occasion, name)


def _of_request(org_id: str, asked: Asked, client: Client) -> list[MessageKey]:
    occasion = Occasion(asked.record, reminder=REVIEW, start=asked.start)
    return [place for name in (client.id, *client.merged) for place in reminder_places(org_id, occasion, name)]


def _fired(record: StoredRecord, name: str, now: datetime) -> bool:
    """Whether a reminder of a record has fired, at this start or another one: else there is no message of it."""
    passed = (each.name == name and each.state == "planned" and each.fires <= now for each in record.plan)
    return name in record.fired or any(passed)
