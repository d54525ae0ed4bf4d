"""Recaps: the list of a day, told to each collaborator (his own) and to the managers (the whole of it).

A recap has a wall time in the organization's zone. A schedule proposes instants, and `occurrence` says which of them
is meant: in a spring gap the time moves forward by the gap, in an autumn overlap the first of the two counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from carillon.domain.catalog import Audience
from carillon.domain.clients import Staff
from carillon.domain.decide import obstacle
from carillon.domain.decisions import Account, Decision, Verdict
from carillon.domain.messages import Message, Occasion
from carillon.domain.organizations import Organization
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient, role_recipient, staff_recipient
from carillon.domain.record_documents import CONFIRMED, Appointment
from carillon.domain.records import StoredRecord
from carillon.domain.settings import RecapOf, Settings
from carillon.domain.times import to_instant, to_wall, wall_on
from carillon.domain.values import value

RecapKind = Literal["staff", "managers"]
KINDS: tuple[RecapKind, ...] = get_args(RecapKind)
AUDIENCES: Mapping[RecapKind, Audience] = {"staff": "collaborator", "managers": "manager"}
TEMPLATE = "recap"
DEADLINE = timedelta(hours=3)
"""How late a recap may be."""
NEAR = timedelta(minutes=5)
"""How far from its time a schedule may fire and still be meant: an older setting counts for no longer."""


@value
class Cron:
    """A schedule of a recap: its wall time and zone.

    `generation`: the plan's version that made it, so that no name is used twice. `since`: when the setting that called
    for it was saved; what lay before is nobody's omission.
    """

    kind: RecapKind
    at: str
    zone: str
    generation: int
    since: datetime


@value
class CronPlan:
    """Which schedules a data set has, or is about to have.

    `old`: names of those that are to go. `settled`: all of `live` were made, nothing of `old` is left. `done`: the
    latest occurrence of each recap that was dealt with. `version` 0: nothing was stored yet.
    """

    version: int = 0
    live: tuple[Cron, ...] = ()
    old: tuple[str, ...] = ()
    settled: bool = True
    done: Mapping[RecapKind, datetime] = field(default_factory=dict)

    def missed(self, now: datetime, until: datetime) -> list[tuple[Cron, datetime]]:
        """List what should have been dealt with by `until`, was not, and would not be too late."""
        found = [(cron, latest(cron, until)) for cron in self.live]
        return [
            (cron, at)
            for cron, at in found
            if max(cron.since, self.done.get(cron.kind, cron.since)) < at <= until and now < at + DEADLINE
        ]


def of_kind(kind: RecapKind, settings: Settings) -> RecapOf:
    """Give what the settings say of a recap."""
    return settings.recap.staff if kind == "staff" else settings.recap.managers


def wanted(organization: Organization | None, settings: Settings | None) -> list[tuple[RecapKind, str, str]]:
    """Say which schedules there should be: kind, wall time, zone."""
    if organization is None or settings is None or not organization.sends:
        return []
    on = [(kind, of_kind(kind, settings)) for kind in KINDS]
    return [(kind, of.at, settings.time_zone) for kind, of in on if of.enabled and of.channels]


def latest(cron: Cron, until: datetime) -> datetime:
    """Give the last time at or before an instant at which a recap is due."""
    day = to_wall(until, cron.zone).date()
    found = (wall_on(day - timedelta(days=back), cron.at, cron.zone) for back in range(-1, 3))
    return max(at for at in found if at <= until)


def occurrence(kind: RecapKind, settings: Settings, fired: datetime) -> tuple[date, datetime] | None:
    """Find the local day whose recap is meant by a firing, and the instant it is due; None: it is not its time."""
    of, zone = of_kind(kind, settings), settings.time_zone
    day = to_wall(fired, zone).date()
    days = (day + timedelta(days=step) for step in (-1, 0, 1))
    near = [(each, at) for each in days if abs((at := wall_on(each, of.at, zone)) - fired) < NEAR]
    return min(near, key=lambda pair: abs(pair[1] - fired), default=None)


def listed_day(kind: RecapKind, settings: Settings, day: date) -> date:
    """Say which day a recap that is due on this one lists."""
    return day + timedelta(days=1) if of_kind(kind, settings).day == "day_before" else day


def span(day: date, zone: str) -> tuple[datetime, datetime]:
    """Give the instants between which a local day lies; a change of the clocks makes it longer or shorter."""
    first, after = (datetime(each.year, each.month, each.day) for each in (day, day + timedelta(days=1)))  # noqa: DTZ001
    return to_instant(first, zone), to_instant(after, zone)


def occasion_of(kind: RecapKind, day: date) -> Occasion:
    """Name the one telling of a day: however often and at whichever time it is asked for."""
    return Occasion("", kind="recap", id=f"{day.isoformat()}/{kind}")


def about(message: Message) -> tuple[RecapKind, date]:
    """Read which recap of which day a message is."""
    day, _, kind = message.occasion.id.partition("/")
    return ("staff" if kind == "staff" else "managers"), date.fromisoformat(day)


def on_the_list(records: Iterable[StoredRecord], day: date, settings: Settings) -> list[StoredRecord]:
    """Choose what a day's list shows, by start: confirmed appointments that begin on that day in the zone."""
    begin, end = span(day, settings.time_zone)
    starts = {
        record.ref: record.document.starts(settings.time_zone)
        for record in records
        if isinstance(record.document, Appointment)
    }
    shown = [
        record
        for record in records
        if record.ref in starts
        and not record.deleted
        and record.appointment.status in CONFIRMED
        and begin <= starts[record.ref] < end
    ]
    return sorted(shown, key=lambda record: (starts[record.ref], record.ref))


def his_own(records: Sequence[StoredRecord], staff_id: str) -> list[StoredRecord]:
    """Choose what of a list is one collaborator's."""
    return [record for record in records if staff_id in record.appointment.staff_ids]


def decide_recap(
    kind: RecapKind, day: date, facts: Account, staff: Mapping[str, Staff], records: Sequence[StoredRecord]
) -> list[Verdict]:
    """Decide who is told a day's list, on every channel that the settings name; `records`: what is on it.

    Collaborators with nothing to do, and managers of an empty day, are told only where the settings say so.
    """
    if kind == "staff":
        people = _collaborators(facts.settings, staff, records)
    elif records or facts.settings.recap.send_empty:
        people = _managers(day, facts, staff)
    else:
        people = []
    told: set[tuple[str, str]] = set()
    verdicts = []
    for person in people:
        found = [
            obstacle(person, channel, TEMPLATE, "service", facts) for channel in of_kind(kind, facts.settings).channels
        ]
        if kind == "managers":
            # All managers get the same list. Collaborators at one address get each his own.
            found = [_unless_told(decision, told) for decision in found]
        verdicts.append(Verdict(person, TEMPLATE, tuple(found)))
    return [verdict for verdict in verdicts if verdict.listed]


def _collaborators(settings: Settings, staff: Mapping[str, Staff], records: Sequence[StoredRecord]) -> list[Recipient]:
    busy = {staff_id for record in records for staff_id in record.appointment.staff_ids}
    chosen = [
        member
        for member in staff.values()
        if member.active and (member.id in busy or (settings.recap.send_empty and "collaborator" in member.roles))
    ]
    return [staff_recipient(member, "collaborator", settings) for member in sorted(chosen, key=lambda each: each.id)]


def _managers(day: date, facts: Account, staff: Mapping[str, Staff]) -> list[Recipient]:
    members = sorted((m for m in staff.values() if m.active and "manager" in m.roles), key=lambda each: each.id)
    # The day is part of the reference, so that one busy role does not become one hot partition.
    role = role_recipient("manager", f"r:manager#{day.isoformat()}", facts.settings, facts.organization)
    people = [staff_recipient(member, "manager", facts.settings) for member in members]
    return [*people, role] if role is not None else people


def _unless_told(decision: Decision, told: set[tuple[str, str]]) -> Decision:
    place = (decision.channel, (decision.address or "").casefold())
    if not decision.send:
        return decision
    if place in told:
        return Decision(
            decision.recipient, decision.channel, send=False, template=TEMPLATE, reason="duplicate", level="record"
        )
    told.add(place)
    return decision


def recheck_recap(
    message: Message,
    facts: Account | None,
    staff: Mapping[str, Staff],
    records: Sequence[StoredRecord],
    now: datetime,
) -> Recheck:
    """Check a recap just before it is claimed; `records`: what its list shows now."""
    if facts is None or message.channel is None:
        return Recheck(status="suppressed", reason="superseded")
    if not facts.organization.sends:
        return Recheck(status="suppressed", reason="notifications_inactive")
    if now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    kind, _ = about(message)
    of = of_kind(kind, facts.settings)
    if not of.enabled or message.channel not in of.channels:
        return Recheck(status="suppressed", reason="rule_disabled")
    if not records and not facts.settings.recap.send_empty:
        return Recheck(status="suppressed", reason="superseded")
    person = _person(message, kind, facts, staff)
    if person is None:
        return Recheck(status="suppressed", reason="no_address")
    found = obstacle(person, message.channel, TEMPLATE, "service", facts)
    return Recheck(address=found.address or "") if found.send else Recheck(status="suppressed", reason=found.reason)


def _person(message: Message, kind: RecapKind, facts: Account, staff: Mapping[str, Staff]) -> Recipient | None:
    """Find the recipient as he is now; None when he is gone, or no manager any more."""
    if message.staff_id is None:
        return role_recipient(message.audience, message.key.recipient, facts.settings, facts.organization)
    member = staff.get(message.staff_id)
    if member is None or not member.active or (kind == "managers" and "manager" not in member.roles):
        return None
    return staff_recipient(member, message.audience, facts.settings)
