"""A simulation says what really goes out when the clock is moved over the span, and writes nothing while it does."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.domain.channels import Channel
from carillon.domain.clients import ConsentState
from carillon.domain.codec import from_data
from carillon.domain.errors import Forbidden, Invalid
from carillon.domain.messages import Message
from carillon.domain.settings import QuietHours, Reminder, Review, Settings, When, default_reminders
from carillon.domain.times import iso, to_wall
from carillon.ports.queues import Ready
from carillon.services import simulated_sending, simulating
from carillon.services.appointments import AppointmentInput
from carillon.services.simulating import Simulating
from carillon.services.simulation_documents import Simulated, SimulationInput
from tests.builders import NOW, ORG, client, organization, reminder
from tests.fakes import MemoryClientDays, MemoryDueRows, MemoryReader, MemoryRecords
from tests.rig import CALLER, Rig

CHANNELS: tuple[Channel, ...] = ("email", "sms", "whatsapp", "telegram")
END = NOW + timedelta(days=14)

some_channels = st.lists(st.sampled_from(CHANNELS), unique=True)
whens = st.one_of(
    st.builds(lambda days, hour: When(days_before=days, at=f"{hour:02d}:30"), st.integers(0, 9), st.integers(0, 23)),
    st.builds(lambda hours: When(before=f"PT{hours}H"), st.integers(1, 24 * 9)),
    st.builds(lambda hours: When(after_end=f"PT{hours}H"), st.integers(0, 60)),
)
reminders = st.lists(
    st.builds(
        lambda key, enabled, when, channels, strategy: Reminder(
            key=key, enabled=enabled, when=when, channels=channels, strategy=strategy
        ),
        st.sampled_from(["day_before", "hour_before", "review", "own"]),
        st.booleans(),
        whens,
        st.lists(st.sampled_from(CHANNELS), unique=True, min_size=1),
        st.sampled_from(["first_reachable", "all"]),
    ),
    unique_by=lambda reminder: reminder.key,
)
people = st.fixed_dictionaries(
    {
        "email": st.sampled_from([None, "anna@example.com"]),
        "phone": st.sampled_from([None, "+31612345678"]),
        "enrolled": st.sampled_from([True, True, True, False]),
        "custom": st.booleans(),
        "opted_out": some_channels,
        "reminders": reminders,
        "consents": some_channels.map(
            lambda some: ConsentState(service=dict.fromkeys(some, True), marketing=dict.fromkeys(some, True))
        ),
    }
)
quiet = st.builds(lambda on: QuietHours(enabled=on, start="20:00", end="09:00"), st.booleans())
days_full = st.lists(
    st.builds(lambda day, hour: 24 * day + hour, st.integers(0, 5), st.integers(-1, 12)).filter(lambda hour: hour > 0),
    min_size=1,
    max_size=8,
    unique=True,
)
"""Appointments of few days, so that several are one client's of one day."""
starts = st.lists(st.integers(1, 24 * 16), min_size=1, max_size=4)


def simulated(rig: Rig, begin: datetime = NOW, end: datetime = END, **changed: Any) -> Simulated:
    service = Simulating(
        MemoryReader(rig.account),
        MemoryRecords(rig.account),
        MemoryDueRows(rig.account),
        rig.connections,
        rig.composer,
        rig.clock,
        MemoryClientDays(rig.account),
        rig.review_requests,
    )
    asked = SimulationInput(from_=iso(begin), to=iso(end), settings=changed or None)
    return service.simulate(ORG, asked, lambda base: from_data(Settings, base | changed))


def book(rig: Rig, hours: list[int], *, prefix: str = "a") -> None:
    """Book as many hours from NOW, for anna and bob in turn, and let the planner follow."""
    for number, hour in enumerate(hours):
        whose = ("anna", "bob")[number % 2]
        stated = AppointmentInput(
            client_id=whose, start=iso(NOW + timedelta(hours=hour)), duration_minutes=45, status="booked"
        )
        rig.appointments().put(CALLER, f"{prefix}{number}", stated)
        rig.planner().follow(ORG, f"appointments/{prefix}{number}", [whose])
    rig.queues.ready = [ready for ready in rig.queues.ready if _is_reminder(rig, ready)]


def _is_reminder(rig: Rig, ready: Ready) -> bool:
    return rig.account.messages[ORG, ready.key].occasion.reminder is not None


def let_it_happen(rig: Rig, end: datetime) -> None:
    """Fire every schedule and send every message when its turn has come, in the order of time, up to an instant."""
    while True:
        rig.queues.ready += [ready for ready, _ in rig.queues.waits]
        rig.queues.waits.clear()
        here = rig.clock.at
        fires = min(((due.fires, name) for name, due in rig.schedules.kept.items()), default=None)
        turns = [(ready.at or here, number) for number, ready in enumerate(rig.queues.ready)]
        turn = min(turns, default=None)
        if fires is not None and (turn is None or fires[0] <= turn[0]) and fires[0] < end:
            rig.clock.at = max(here, fires[0])
            rig.dispatcher().dispatch([rig.schedules.kept.pop(fires[1])])
        elif turn is not None and turn[0] < end:
            ready = rig.queues.ready.pop(turn[1])
            others, rig.queues.ready, rig.clock.at = rig.queues.ready, [ready], max(here, turn[0])
            rig.deliver(ready.channel)
            rig.queues.ready += others
        else:
            return


def gone_out(rig: Rig, begin: datetime, end: datetime, *, decided: datetime = NOW) -> Counter[tuple[str, str]]:
    """Count what was decided after an instant, and sent between two others, by day and channel."""
    found: Counter[tuple[str, str]] = Counter()
    for message in rig.account.found(ORG):
        sent = [at for at, status, _ in message.timeline if status == "sent"]
        counts = message.occasion.reminder is not None and message.created_at > decided
        if counts and sent and begin <= sent[0] < end:
            found[to_wall(sent[0], "Europe/Amsterdam").date().isoformat(), str(message.channel)] += 1
    return found


def unsaid(rig: Rig, begin: datetime, end: datetime, *, decided: datetime = NOW) -> Counter[str | None]:
    """Count the reminders that were decided on after an instant, and found to reach nobody between two others.

    What was too late when it was booked is told of at once, and by no reminder that comes due.
    """
    reminders: dict[Any, list[Message]] = {}
    for message in rig.account.found(ORG):
        if message.occasion.reminder is not None and message.created_at > decided:
            reminders.setdefault((message.occasion, message.key.recipient), []).append(message)
    told: Counter[str | None] = Counter()
    for each in reminders.values():
        refused = sorted((message.timeline[-1][0], message.id, message.reason) for message in each)
        if all(message.status in ("suppressed", "expired") for message in each) and begin <= refused[-1][0] < end:
            told[refused[0][2]] += 1
    return told


def counts(found: Simulated) -> Counter[tuple[str, str]]:
    return Counter({(each.day, each.channel): each.count for each in found.going})


@settings(max_examples=60, deadline=None)
@given(
    anna=people,
    bob=people,
    hours=quiet,
    booked=starts,
    known=st.lists(st.sampled_from(CHANNELS), unique=True),
    span=st.tuples(st.integers(0, 200), st.integers(1, 24 * 14)),
)
def test_what_a_simulation_counts_is_what_goes_out(
    anna: dict[str, Any],
    bob: dict[str, Any],
    hours: QuietHours,
    booked: list[int],
    known: list[Channel],
    span: tuple[int, int],
) -> None:
    rig = Rig(quiet_hours=hours, review=Review(url="https://example.com/review"))
    rig.connections.channels = frozenset(known)
    rig.account.clients[ORG, "anna"] = client("anna", **anna)
    rig.account.clients[ORG, "bob"] = client("bob", **bob)
    book(rig, booked)
    begin = NOW + timedelta(hours=span[0])
    end = begin + timedelta(hours=span[1])
    before = dict(rig.account.messages), dict(rig.account.records), dict(rig.schedules.kept)
    said = simulated(rig, begin, end)
    assert (dict(rig.account.messages), dict(rig.account.records), dict(rig.schedules.kept)) == before
    assert rig.clock.at == NOW
    let_it_happen(rig, end)
    assert rig.errors == []
    assert counts(said) == gone_out(rig, begin, end)
    assert {each.channel: each.parts is not None for each in said.going if each.channel == "sms"} in ({}, {"sms": True})
    assert dict(said.silent) == unsaid(rig, begin, end)


@settings(max_examples=60, deadline=None)
@given(
    anna=people,
    bob=people,
    hours=quiet,
    strategy=st.sampled_from(["first_reachable", "all"]),
    rarely=st.sampled_from([None, 1, 3, 30]),
    collapses=st.booleans(),
    booked=days_full,
    passed=st.integers(0, 24 * 8),
    late=days_full,
    span=st.tuples(st.integers(0, 100), st.integers(1, 24 * 14)),
)
def test_a_shared_day_and_rare_reviews_are_foreseen_whatever_went_out_before(
    anna: dict[str, Any],
    bob: dict[str, Any],
    hours: QuietHours,
    strategy: Any,
    rarely: int | None,
    collapses: bool,
    booked: list[int],
    passed: int,
    late: list[int],
    span: tuple[int, int],
) -> None:
    review = Review(url="https://example.com/review", at_most_every_days=rarely)
    rig = Rig(quiet_hours=hours, review=review, collapse_same_day=collapses)
    for name, of in (("anna", anna), ("bob", bob)):
        wanted = [
            reminder("day_before", days_before=1, at="18:00", channels=["email", "sms"], strategy=strategy),
            reminder("hour_before", before="PT3H", channels=["sms"]),
            reminder("review", after_end="PT5H", channels=["telegram", "email"]),
        ]
        every = ConsentState(service=dict.fromkeys(CHANNELS, True), marketing=dict.fromkeys(CHANNELS, True))
        fixed = {"enrolled": True, "opted_out": [], "consents": every}
        kept = {each.key: each for each in [*wanted, *of["reminders"]]}
        rig.account.clients[ORG, name] = client(name, **(of | fixed | {"reminders": list(kept.values())}))
    book(rig, booked)
    now = NOW + timedelta(hours=passed)
    let_it_happen(rig, now)
    rig.clock.at = now
    book(rig, [passed + hour for hour in late], prefix="b")
    begin = now + timedelta(hours=span[0])
    end = begin + timedelta(hours=span[1])
    before = dict(rig.account.messages), dict(rig.review_requests.kept)
    said = simulated(rig, begin, end)
    assert (dict(rig.account.messages), dict(rig.review_requests.kept)) == before
    let_it_happen(rig, end)
    assert rig.errors == []
    assert counts(said) == gone_out(rig, begin, end, decided=now)
    assert dict(said.silent) == unsaid(rig, begin, end, decided=now)


@settings(max_examples=30, deadline=None)
@given(booked=starts, hours=quiet, wanted=reminders)
def test_changed_settings_are_simulated_as_if_they_were_saved_and_applied(
    booked: list[int], hours: QuietHours, wanted: list[Reminder]
) -> None:
    own = [each for each in wanted if each.key not in ("day_before", "hour_before", "review")]
    taken = {each.key for each in wanted}
    changed = [*(each for each in default_reminders() if each.key not in taken), *wanted]
    rig = Rig()
    edited = client("bob", custom=True, reminders=[reminder("day_before"), *own])
    rig.account.clients[ORG, "bob"] = edited
    book(rig, booked)
    said = simulated(rig, reminders=[_data(each) for each in changed], quiet_hours=vars(hours))

    real = Rig(reminders=changed, quiet_hours=hours)
    real.account.clients[ORG, "anna"] = client("anna", reminders=changed)
    real.account.clients[ORG, "bob"] = edited
    book(real, booked)
    let_it_happen(real, END)
    assert counts(said) == gone_out(real, NOW, END)


def _data(of: Reminder) -> dict[str, Any]:
    from carillon.domain.codec import to_data  # noqa: PLC0415 - one use

    return cast("dict[str, Any]", to_data(of))


def test_what_the_night_holds_is_counted_on_the_day_on_which_it_goes() -> None:
    rig = Rig(quiet_hours=QuietHours(enabled=True, start="20:00", end="09:00"))
    night = reminder("own", before="PT12H", channels=["sms"])
    rig.account.clients[ORG, "anna"] = client("anna", custom=True, reminders=[night])
    book(rig, [72 + 25])  # 11:00 in Amsterdam on the 27th; 12 hours before is 23:00
    morning = datetime(2026, 11, 27, 6, tzinfo=NOW.tzinfo)
    assert counts(simulated(rig, NOW, morning)) == {}
    assert counts(simulated(rig, morning)) == {("2026-11-27", "sms"): 1}
    let_it_happen(rig, END)
    assert gone_out(rig, morning, END) == {("2026-11-27", "sms"): 1}


def test_more_than_the_most_records_are_left_out_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    book(rig, [100, 120, 140])
    whole = simulated(rig)
    assert (whole.records, whole.truncated) == (3, False)
    monkeypatch.setattr(simulating, "MOST_RECORDS", 2)
    part = simulated(rig)
    assert (part.records, part.truncated) == (2, True)
    assert sum(counts(part).values()) < sum(counts(whole).values())
    monkeypatch.setattr(simulating, "TIME", timedelta(0))
    assert simulated(rig).truncated


def test_sms_are_counted_in_parts_as_they_would_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.connections.channels = frozenset({"sms"})
    book(rig, [100])
    monkeypatch.setattr(simulated_sending, "measure", lambda text: type("Sms", (), {"parts": 2 + ("v1" in text)})())
    assert [(each.channel, each.count, each.parts) for each in simulated(rig).going] == [("sms", 1, 3), ("sms", 1, 3)]
    rig.composer.broken = True
    assert (simulated(rig).going, simulated(rig).silent) == ([], [("template_error", 2)])


@pytest.mark.parametrize(
    ("begin", "end"), [(NOW, NOW + timedelta(days=14, hours=2)), (NOW - timedelta(days=3), NOW), (NOW, NOW)]
)
def test_a_span_that_is_too_long_or_over_is_refused(begin: datetime, end: datetime) -> None:
    with pytest.raises(Invalid):
        simulated(Rig(), begin, end)


def test_a_span_begins_now_at_the_earliest() -> None:
    rig = Rig()
    assert simulated(rig, NOW - timedelta(days=2), NOW + timedelta(days=2)).span.since == NOW


def test_nothing_is_simulated_while_notifications_are_inactive() -> None:
    rig = Rig()
    rig.account.organizations[ORG] = organization(active=False)
    with pytest.raises(Forbidden):
        simulated(rig)
