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
    """What the simulated organization is made of. `base` holds it with the simulated settings, rules and own texts."""

    base: Snapshot
    records: dict[str, StoredRecord] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    messages: dict[MessageKey, Message] = field(default_factory=dict)


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

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Remember a message unless it is there."""
        new = message.key not in self._world.messages
        if new:
            self._world.messages[message.key] = message
        return new


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
