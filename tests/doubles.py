"""What is outside of the stores, played in memory: clock, ids, queues, schedules, providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from carillon.domain.channels import Channel
from carillon.domain.ids import ulid
from carillon.domain.messages import Message, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.scheduling import at_expression, schedule_name
from carillon.domain.settings import Settings
from carillon.ports.delivery import Outcome, Outgoing, Rendered, RenderingFailed
from carillon.ports.queues import Due, Ready
from carillon.ports.reading import Snapshot


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

    def send_ready(self, messages: Sequence[Ready]) -> None:
        self.ready += messages

    def send_due(self, reminders: Sequence[Due]) -> None:
        self.due += reminders

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:  # noqa: ARG002 - done at once
        self.jobs.append(job)


@dataclass
class MemorySchedules:
    """See the port `Schedules`; refuses the past, as AWS does."""

    clock: SetClock
    kept: dict[str, Due] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    deleted: list[Due] = field(default_factory=list)

    def create(self, reminder: Due) -> None:
        if reminder.fires <= self.clock.now():
            raise ValueError("EventBridge Scheduler refuses a schedule in the past")
        name = _schedule(reminder)
        self.expressions[name] = at_expression(reminder.fires)
        self.kept[name] = reminder

    def delete(self, reminder: Due) -> None:
        self.kept.pop(_schedule(reminder), None)
        self.deleted.append(reminder)


def _schedule(reminder: Due) -> str:
    return schedule_name(reminder.org_id, reminder.record, reminder.key, reminder.at, reminder.generation)


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
    """See the port `Composer`: says which version of the record it read."""

    broken: bool = False

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        if self.broken:
            raise RenderingFailed("broken on purpose")
        version = snapshot.record.version if snapshot.record else 0
        return Rendered(f"{message.template} v{version}", subject="subject")


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
