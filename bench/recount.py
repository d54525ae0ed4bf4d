"""Counts a replay anew: what must have come of a list of appointment calls, by the published rules alone.

Written from the API's and the catalog's description and without the product's code, so that a mistake there isn't
repeated here. It imports nothing of it. It covers what a replay does: appointments in the states booked,
accepted, cancelled, completed and no_show, the reminders before the start and after completion, and the messages to
client, staff and manager under the rules of a new organization. Nobody's calls fail, and quiet hours are off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bench.recount_rules import BY_RULE_ONLY, LIVE, duration, event_of, events_of, instant, staff_events

_ADDRESS = {"email": "email", "sms": "phone", "whatsapp": "phone"}
# An event is told until the start, and for a day at most.
_EVENT_LIFE = timedelta(hours=24)


class StepLike(Protocol):
    """One call: `body` states the appointment `record` at `at`; `client` comes with a client's first one."""

    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def record(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def client(self) -> dict[str, Any] | None: ...  # noqa: D102


@dataclass(frozen=True)
class World:
    """What holds for all calls: the organization's settings, staff (id to e-mail), approved WhatsApp templates."""

    settings: Mapping[str, Any]
    staff: Mapping[str, str]
    whatsapp_templates: bool


@dataclass(frozen=True)
class Expected:
    """One message that must be there: sent on `channel`, or suppressed for `reason`. `tried`: passed over, and why.

    `start` is the one that a reminder is for.
    """

    record: str
    key: str
    audience: str
    recipient: str | None
    at: datetime
    channel: str | None
    reason: str | None = None
    tried: tuple[tuple[str, str], ...] = ()
    start: datetime | None = None

    @property
    def sent(self) -> bool:
        """Whether it must have reached a provider."""
        return self.reason is None


@dataclass
class Reminder:
    """A reminder's life. Its identity is (record, key, start); `gone_at`: the appointment moved away or ended."""

    record: str
    key: str
    start: datetime
    due: datetime
    made_at: datetime
    state: str = "planned"
    reason: str | None = None
    gone_at: datetime | None = None


@dataclass
class Recount:
    """Everything that must have come of the calls. `answers`: each call's events and planned (key, instant)."""

    messages: list[Expected] = field(default_factory=list)
    reminders: list[Reminder] = field(default_factory=list)
    answers: list[tuple[list[str], frozenset[tuple[str, datetime]]]] = field(default_factory=list)


def recount(steps: Sequence[StepLike], world: World) -> Recount:
    """Work out what must have come of `steps`, which are in order of time."""
    found = Recount()
    records: dict[str, _Record] = {}
    clients: dict[str, dict[str, Any]] = {}
    for step in steps:
        if step.client is not None:
            clients[step.client["id"]] = step.client
        record = records.get(step.record)
        if record is None:
            client = clients[step.body["client_id"]]
            record = records[step.record] = _Record(step.record, client, step.body["source"], world, found)
        record.take(step.at, step.body)
    for record in records.values():
        record.fire_until(datetime.max.replace(tzinfo=UTC))
    return found


class _Record:
    """One appointment through its calls."""

    def __init__(self, name: str, client: dict[str, Any], source: str, world: World, found: Recount) -> None:
        self.name = f"appointments/{name}"
        self.client = client
        self.source = source
        self.world = world
        self.found = found
        self.stored: dict[str, Any] | None = None
        self.plan: dict[tuple[str, datetime], Reminder] = {}

    def take(self, at: datetime, body: dict[str, Any]) -> None:
        self.fire_until(at)
        before, self.stored = self.stored, body
        event = event_of(before, body)
        start = self._start(body)
        if not body.get("notify", True):
            event = None
        if event is not None and event not in BY_RULE_ONLY:
            self._announce(event, at, min(start, at + _EVENT_LIFE), before or body, body)
        completed = body["status"] == "completed" and before is not None and before["status"] != "completed"
        self._plan(at, start, completed=completed)
        planned = {(r.key, r.due) for r in self.plan.values() if r.state == "planned" and r.gone_at is None}
        self.found.answers.append((events_of(event, before or body, body), frozenset(planned)))
        self.fire_until(at)

    def _zone(self, body: Mapping[str, Any]) -> ZoneInfo:
        return ZoneInfo(body.get("time_zone") or self.world.settings["time_zone"])

    def _start(self, body: Mapping[str, Any]) -> datetime:
        return instant(datetime.fromisoformat(body["start"]), self._zone(body))

    # ---- events

    def _announce(
        self, event: str, at: datetime, deadline: datetime, before: Mapping[str, Any], body: Mapping[str, Any]
    ) -> None:
        def tell(kind: str, audience: str, recipient: str | None, who: Mapping[str, Any]) -> None:
            key = f"appointment.{kind}.{self._variant(kind, body)}"
            if at >= deadline:
                self._add(key, audience, recipient, at, None, "too_late")
            elif audience == "collaborator" and (actor["type"], actor.get("id")) == ("staff", recipient):
                self._add(key, audience, recipient, at, None, "recipient_is_actor")
            else:
                self._send(key, audience, recipient, at, ["email"], "all", who)

        actor = body.get("actor") or {"type": "system"}
        tell(event, "client", self.client["id"], self.client)
        for name, kind in staff_events(event, before, body).items():
            tell(kind, "collaborator", name, {"email": self.world.staff[name]})
        manager = self.world.settings["manager"]["email"]
        if manager:
            tell(event, "manager", manager, {"email": manager})

    def _variant(self, kind: str, body: Mapping[str, Any]) -> str:
        """Name the row: booked by where the booking was made, the others by who acted."""
        if kind == "booked":
            return "widget" if self.source == "widget" else "console"
        return "client" if (body.get("actor") or {}).get("type") == "client" else "console"

    # ---- reminders

    def _plan(self, at: datetime, start: datetime, *, completed: bool) -> None:
        assert self.stored is not None
        enrolled = self.client["enrolled"]
        wanted = dict(self._wanted(at, start, completed=completed)) if enrolled else {}
        for identity, reminder in self.plan.items():
            if identity[1] != start or (reminder.state == "planned" and identity[0] not in wanted):
                reminder.gone_at = reminder.gone_at or at
        for key, due in wanted.items():
            known = self.plan.get((key, start))
            if known is None or (known.state == "planned" and (known.gone_at or known.due != due)):
                self._plan_one(key, start, due, at)
            elif known.state != "planned":
                known.gone_at = None

    def _wanted(self, at: datetime, start: datetime, *, completed: bool) -> Iterator[tuple[str, datetime]]:
        assert self.stored is not None
        zone = self._zone(self.stored)
        live = self.stored["status"] in LIVE
        for reminder in self.world.settings["reminders"]:
            when = reminder["when"]
            if not reminder["enabled"]:
                continue
            if "days_before" in when and live:
                day = start.astimezone(zone).date() - timedelta(days=when["days_before"])
                yield reminder["key"], instant(datetime.fromisoformat(f"{day}T{when['at']}"), zone)
            elif "before" in when and live:
                yield reminder["key"], start - duration(when["before"])
            elif "after_completed" in when and completed:
                yield reminder["key"], at + duration(when["after_completed"])

    def _plan_one(self, key: str, start: datetime, due: datetime, at: datetime) -> None:
        """Plan one, or put it down as too late: `late_booking` is `skip` in a new organization."""
        reminder = Reminder(self.name, key, start, due, at)
        self.plan[(key, start)] = reminder
        self.found.reminders.append(reminder)
        after = self._setting(key)["when"].get("after_completed")
        if after is None and (due <= at or due >= start):
            reminder.state, reminder.reason = "suppressed", "too_late"
            self._add(f"reminder.{key}", "client", self.client["id"], at, None, "too_late", start=start)

    def fire_until(self, at: datetime) -> None:
        """Let all that is due by `at` go out, in order."""
        waiting = [r for r in self.plan.values() if r.state == "planned" and r.gone_at is None and r.due <= at]
        for reminder in sorted(waiting, key=lambda r: r.due):
            setting = self._setting(reminder.key)
            reason = self._send(
                f"reminder.{reminder.key}",
                "client",
                self.client["id"],
                reminder.due,
                setting["channels"],
                setting["strategy"],
                self.client,
                reminder.start,
            )
            reminder.state, reminder.reason = ("suppressed", reason) if reason else ("fired", None)

    def _setting(self, key: str) -> Mapping[str, Any]:
        return next(r for r in self.world.settings["reminders"] if r["key"] == key)

    # ---- decisions

    def _send(
        self,
        key: str,
        audience: str,
        recipient: str | None,
        at: datetime,
        channels: Sequence[str],
        strategy: str,
        who: Mapping[str, Any],
        start: datetime | None = None,
    ) -> str | None:
        """Decide on the channels; answers the reason if nothing goes."""
        tried: list[tuple[str, str]] = []
        sent = 0
        for channel in channels:
            reason = self._reason(channel, audience, who)
            if reason:
                tried.append((channel, reason))
                continue
            self._add(key, audience, recipient, at, channel, None, tuple(tried), start)
            sent += 1
            if strategy == "first_reachable":
                break
        if sent:
            return None
        only = channels[0] if len(tried) == 1 else None
        self._add(key, audience, recipient, at, only, tried[0][1], tuple(tried), start)
        return tried[0][1]

    def _reason(self, channel: str, audience: str, who: Mapping[str, Any]) -> str | None:
        if audience == "client" and not who["consents"]["service"].get(channel):
            return "consent_missing"
        if not who.get(_ADDRESS[channel]):
            return "no_address"
        if channel == "whatsapp" and not self.world.whatsapp_templates:
            return "whatsapp_template_missing"
        return None

    def _add(
        self,
        key: str,
        audience: str,
        recipient: str | None,
        at: datetime,
        channel: str | None,
        reason: str | None,
        tried: tuple[tuple[str, str], ...] = (),
        start: datetime | None = None,
    ) -> None:
        message = Expected(self.name, key, audience, recipient, at, channel, reason, tried, start)
        self.found.messages.append(message)
