"""A world that nothing leaves: what the dispatcher reads, stores and queues during a simulation stays in memory.

The dispatcher is the shipped one. It is given what was read of the organization, with other settings over it, and a
store that only remembers, so whatever it comes to decide, simulations decide the same.
"""
# ruff: noqa: ARG002 - the ports say what is given; most of it leads nowhere here

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carillon.domain.clients import Client, Staff
from carillon.domain.errors import CarillonError
from carillon.domain.messages import Message, MessageKey
from carillon.domain.records import StoredRecord
from carillon.domain.reviews import Asked
from carillon.ports.queues import Due, Ready
from carillon.ports.reading import Snapshot, Want


class NotSimulatedError(CarillonError):
    """The dispatcher asked for something that a simulation doesn't have: a mistake of ours."""


@dataclass
class SimulatedClock:
    """A clock that stands at the reminder that is looked at."""

    at: datetime

    def now(self) -> datetime:
        """Give the simulated instant."""
        return self.at


@dataclass
class SimulatedIds:
    """Counts; nobody sees these ids."""

    made: int = 0

    def ulid(self, now: datetime) -> str:
        """Give the next id."""
        self.made += 1
        return f"{self.made:026d}"


@dataclass
class World:
    """What the simulated organization is made of. `base` holds it with the simulated settings, rules and own texts.

    `messages`: those that are stored and matter to what comes, with those that the simulation has made.
    """

    base: Snapshot
    records: dict[str, StoredRecord] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    messages: dict[MessageKey, Message] = field(default_factory=dict)
    requests: dict[str, Asked] = field(default_factory=dict)
    """What was noted of review requests, by client."""


@dataclass
class SimulatedReader:
    """See the port `Reader`."""

    world: World

    def read(self, wants: Sequence[Want]) -> list[Snapshot]:
        """Give what the world holds of each want."""
        return [self._read(want) for want in wants]

    def _read(self, want: Want) -> Snapshot:
        world = self.world
        return replace(
            world.base,
            record=world.records.get(want.record) if want.record is not None else None,
            clients={name: world.clients[name] for name in want.clients if name in world.clients},
            staff={name: world.staff[name] for name in want.staff if name in world.staff},
            messages={key: world.messages[key] for key in want.messages if key in world.messages},
        )

    def all_staff(self, org_id: str) -> dict[str, Staff]:
        """Give every member of staff."""
        return dict(self.world.staff)


class RememberedMessages:
    """The one part of the port `Messages` that the dispatcher uses: it stores them, each once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._new: list[Message] = []

    def taken(self) -> list[Message]:
        """Give what has come since the last time."""
        new, self._new = self._new, []
        return new

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Remember a message unless it is there."""
        new = message.key not in self._world.messages
        if new:
            self._world.messages[message.key] = message
            self._new.append(message)
        return new


class SimulatedDays:
    """See the port `ClientDays`: over the appointments of the world, as they are when it is made."""

    def __init__(self, world: World) -> None:
        self._of_client: dict[str, list[tuple[datetime, str]]] = {}
        for record in world.records.values():
            if record.start is not None and record.client_id is not None:
                self._of_client.setdefault(record.client_id, []).append((record.start, record.ref))

    def starting(self, org_id: str, client_id: str, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
        """Name what starts in [since, until], soonest first."""
        return sorted(each for each in self._of_client.get(client_id, ()) if since <= each[0] <= until)


@dataclass
class SimulatedRequests:
    """See the port `ReviewRequests`: notes in the world only."""

    world: World

    def latest(self, org_id: str, clients: Sequence[str]) -> list[Asked]:
        """Give what is noted under these ids."""
        return list(self.by_client(org_id, clients).values())

    def by_client(self, org_id: str, clients: Iterable[str]) -> dict[str, Asked]:
        """Give what is noted under each of these ids."""
        return {name: self.world.requests[name] for name in clients if name in self.world.requests}

    def note(self, org_id: str, client_id: str, asked: Asked, *, since: datetime, over: Asked | None = None) -> bool:
        """Note a request under the condition under which it is written in earnest."""
        known = self.world.requests.get(client_id)
        free = known is None or known.at <= since or known.same(asked) or (over is not None and known.same(over))
        if free:
            self.world.requests[client_id] = asked
        return free


class NoQueues:
    """See the port `Queues`: nothing is put anywhere."""

    def send_ready(self, messages: Sequence[Ready]) -> None:
        """Drop messages that would be sent now."""

    def send_wait(self, message: Ready, at: datetime) -> None:
        """Drop a message that would wait."""

    def send_due(self, reminders: Iterable[Due]) -> None:
        """Refuse: a simulation fires reminders itself."""
        raise NotSimulatedError("due reminders are not queued in a simulation")

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Refuse: nothing is put off to a job."""
        raise NotSimulatedError("jobs are not queued in a simulation")
