"""What is outside of the stores, played in memory: clock, ids, queues, schedules, providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.ids import ulid
from carillon.domain.messages import Message, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_channels import OwnSender
from carillon.domain.same_day import mark_of
from carillon.domain.scheduling import at_expression, schedule_name, waiting_name
from carillon.domain.settings import Settings
from carillon.ports.delivery import Found, Outcome, Outgoing, Rendered, RenderingFailed
from carillon.ports.queues import Due, Ready
from carillon.ports.reading import Snapshot
from carillon.ports.upkeep import Marks


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class CountingIds:
    """ULIDs in the order they were asked for."""

    made: int = 0

    def ulid(self, now: datetime) -> str:
        self.made += 1
        return ulid(now, self.made.to_bytes(10))


@dataclass
class MemoryQueues:
    """See the port `Queues`; what was sent stays listed."""

    ready: list[Ready] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)
    jobs: list[Mapping[str, Any]] = field(default_factory=list)
    waits: list[tuple[Ready, datetime]] = field(default_factory=list)

    def send_ready(self, messages: Sequence[Ready]) -> None:
        self.ready += messages

    def send_due(self, reminders: Sequence[Due]) -> None:
        self.due += reminders

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:  # noqa: ARG002 - done at once
        self.jobs.append(job)

    def send_wait(self, message: Ready, at: datetime) -> None:
        self.waits.append((message, at))


@dataclass
class MemorySchedules:
    """See the port `Schedules`; refuses the past, as AWS does."""

    clock: SetClock
    kept: dict[str, Due] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    deleted: list[Due] = field(default_factory=list)
    waiting: dict[str, tuple[Ready, datetime]] = field(default_factory=dict)

    def create(self, reminder: Due) -> None:
        if reminder.fires <= self.clock.now():
            raise ValueError("EventBridge Scheduler refuses a schedule in the past")
        name = _schedule(reminder)
        self.expressions[name] = at_expression(reminder.fires)
        self.kept[name] = reminder

    def wait(self, message: Ready, at: datetime) -> None:
        if at <= self.clock.now():
            raise ValueError("EventBridge Scheduler refuses a schedule in the past")
        name = waiting_name(message.org_id, message.key.recipient, message.key.digest, at)
        self.expressions[name] = at_expression(at)
        self.waiting[name] = (message, at)

    def delete(self, reminder: Due) -> None:
        self.kept.pop(_schedule(reminder), None)
        self.deleted.append(reminder)

    def forget(self, org_id: str, key: MessageKey, at: datetime) -> None:
        self.waiting.pop(waiting_name(org_id, key.recipient, key.digest, at), None)


@dataclass
class MemoryMarks:
    """See the port `Watermarks`, for one organization."""

    kept: Marks | None = None

    def load(self, _: str) -> Marks | None:
        return self.kept

    def save(self, _: str, marks: Marks) -> None:
        self.kept = marks


def _schedule(reminder: Due) -> str:
    return schedule_name(reminder.org_id, reminder.record, reminder.name, reminder.at, reminder.generation)


class SetOwnSenders:
    """See the port `OwnSenders`: gives what it was given, by organization and channel."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, Channel], OwnSender] = {}
        self.asked: list[tuple[str, Channel, ChannelState]] = []

    def of(self, org_id: str, channel: Channel, state: ChannelState | None) -> OwnSender | None:
        if state is None:
            return None
        self.asked.append((org_id, channel, state))
        if (org_id, channel) not in self.kept:
            raise LookupError(f"the own sender of {channel} is gone")
        return self.kept[org_id, channel]


@dataclass
class SetConnections:
    """See the port `Connections`."""

    channels: frozenset[Channel] = frozenset({"email", "sms", "whatsapp"})
    templates: frozenset[tuple[str, str, str]] = frozenset({("reminder", "client", "nl")})

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:  # noqa: ARG002
        return self.channels

    def whatsapp_templates(
        self,
        organization: Organization,  # noqa: ARG002
        settings: Settings,  # noqa: ARG002
    ) -> frozenset[tuple[str, str, str]]:
        return self.templates


@dataclass
class PlainComposer:
    """See the port `Composer`: says which version of the record it read, or a text that it is given."""

    broken: bool = False
    text: str | None = None
    lists: bool = True

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        if self.broken:
            raise RenderingFailed("broken on purpose")
        version = snapshot.record.version if snapshot.record else 0
        later = snapshot.same_day.later if snapshot.same_day is not None and self.lists else ()
        also = "".join(f" also {each.ref}" for each in later)
        listed = tuple(mark_of(each, "Europe/Amsterdam") for each in later)
        return Rendered(self.text or f"{message.template} v{version}{also}", subject="subject", listed=listed)


@dataclass
class ScriptedProvider:
    """See the port `Provider`: gives the scripted outcomes in turn, then accepts everything."""

    script: list[Outcome | Exception] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> Outcome:
        self.sent.append(outgoing)
        answer = self.script.pop(0) if self.script else Outcome("accepted", provider_id=f"p-{len(self.sent)}")
        if isinstance(answer, Exception):
            raise answer
        return answer


class PlainTokens:
    """See the port `Tokens`: readable and unsigned."""

    def issue(self, org_id: str, key: MessageKey) -> str:
        return f"{org_id} {key.recipient} {key.digest}"

    def read(self, token: str) -> tuple[str, MessageKey] | None:
        parts = token.split(" ")
        return (parts[0], MessageKey(parts[1], parts[2])) if len(parts) == 3 else None


@dataclass
class ListedMessages:
    """See the port `LookUp`: gives what it was given, by the text of the message."""

    kept: dict[str, Found] = field(default_factory=dict)
    asked: list[tuple[Outgoing, datetime, datetime]] = field(default_factory=list)

    def find(self, outgoing: Outgoing, begin: datetime, end: datetime) -> Found | None:
        self.asked.append((outgoing, begin, end))
        return self.kept.get(outgoing.rendered.text)
