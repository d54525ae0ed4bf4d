"""Explain says what really happens when the clock moves on, whatever the client, the settings and the reminders are."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.domain.channels import Channel
from carillon.domain.clients import ConsentState
from carillon.domain.explaining import Explanation
from carillon.domain.messages import Message
from carillon.domain.settings import QuietHours, Reminder, RemindStaff, When
from carillon.services.appointments import AppointmentInput
from carillon.services.explaining import Explaining, Question
from tests.builders import ORG, REF, client
from tests.fakes import MemoryReader
from tests.rig import CALLER, Rig

CHANNELS: tuple[Channel, ...] = ("email", "sms", "whatsapp", "telegram")

some_channels = st.lists(st.sampled_from(CHANNELS), unique=True)
whens = st.one_of(
    st.builds(lambda days, hour: When(days_before=days, at=f"{hour:02d}:30"), st.integers(0, 9), st.integers(0, 23)),
    st.builds(lambda hours: When(before=f"PT{hours}H"), st.integers(1, 24 * 9)),
)
reminders = st.lists(
    st.builds(
        lambda key, enabled, when, channels, strategy: Reminder(
            key=key, enabled=enabled, when=when, channels=channels, strategy=strategy
        ),
        st.sampled_from(["day_before", "hour_before", "own"]),
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
        "consents": some_channels.map(lambda some: ConsentState(service=dict.fromkeys(some, True))),
    }
)
staff_reminders = st.builds(
    lambda on, channels: RemindStaff(enabled=on, channels=channels),
    st.booleans(),
    st.lists(st.sampled_from(CHANNELS), unique=True, min_size=1),
)
quiet = st.builds(lambda on: QuietHours(enabled=on, start="20:00", end="09:00"), st.booleans())


def explained(rig: Rig, **asked: Any) -> list[Explanation]:
    return Explaining(MemoryReader(rig.account), rig.connections, rig.clock).explain(ORG, Question(record=REF, **asked))


def let_it_happen(rig: Rig) -> None:
    """Fire every schedule in its order, and send whatever waits."""
    while rig.schedules.kept:
        name, due = min(rig.schedules.kept.items(), key=lambda item: item[1].fires)
        del rig.schedules.kept[name]
        rig.clock.at = max(rig.clock.at, due.fires)
        rig.dispatcher().dispatch([due])
        deliver(rig)


def deliver(rig: Rig) -> None:
    """Send what waits, each message when its turn has come."""
    held, rig.queues.waits = rig.queues.waits, []
    rig.queues.ready += [ready for ready, _ in held]
    turns = [ready.at for ready in rig.queues.ready if ready.at is not None]
    before, rig.clock.at = rig.clock.at, max([rig.clock.at, *turns])
    for channel in CHANNELS:
        rig.deliver(channel)
    rig.clock.at = before


@settings(max_examples=80)
@given(of_client=people, hours=quiet, known=st.lists(st.sampled_from(CHANNELS), unique=True), to_staff=staff_reminders)
def test_what_explain_says_of_reminders_is_what_happens(
    of_client: dict[str, Any], hours: QuietHours, known: list[Channel], to_staff: RemindStaff
) -> None:
    rig = Rig(quiet_hours=hours, remind_staff=to_staff)
    rig.connections.channels = frozenset(known)
    rig.account.clients[ORG, "anna"] = client("anna", **of_client)
    rig.put(staff_ids=["s1", "s2"])
    rig.follow("anna")
    rig.queues.ready.clear()
    every = [item for item in explained(rig) if item.reminder is not None]
    expected = [item for item in every if item.decision.recipient.audience == "client"]
    assert {item.reminder for item in expected} == {each.key for each in of_client["reminders"]}
    let_it_happen(rig)
    assert rig.errors == []
    all_told = [message for message in rig.account.found(ORG) if message.occasion.reminder is not None]
    check_staff([item for item in every if item not in expected], all_told)
    told = [message for message in all_told if message.audience == "client"]
    for key in {item.reminder for item in expected}:
        said = {item.decision.channel: item for item in expected if item.reminder == key}
        sent = {message.channel for message in told if message.occasion.reminder == key and message.status == "sent"}
        assert sent == {channel for channel, item in said.items() if item.would_send}
        refusals = [message for message in told if message.occasion.reminder == key and message.channel is None]
        enabled = [each for each in of_client["reminders"] if each.key == key and each.enabled]
        # Who isn't enrolled has no plan, and a reminder that is off has no entry: nothing is stored of those.
        planned = enabled and of_client["enrolled"]
        assert len(refusals) == (1 if planned and not sent else 0)
        for message in refusals:
            reasons = dict(message.tried) or dict.fromkeys(said, message.reason)
            assert reasons == {channel: item.decision.reason for channel, item in said.items()}


def check_staff(said: list[Explanation], told: list[Message]) -> None:
    """Hold what is said of each collaborator to what he got, or was refused."""
    places = {(item.reminder, item.decision.recipient.ref) for item in said}
    kept = [message for message in told if message.audience == "collaborator"]
    assert {(message.occasion.reminder, message.key.recipient) for message in kept} == places
    for reminder, ref in places:
        mine = [item for item in said if (item.reminder, item.decision.recipient.ref) == (reminder, ref)]
        got = [m for m in kept if (m.occasion.reminder, m.key.recipient) == (reminder, ref)]
        sent = {message.channel for message in got if message.status == "sent"}
        assert sent == {item.decision.channel for item in mine if item.would_send}
        refused = [dict(m.tried) or dict.fromkeys(i.decision.channel for i in mine) for m in got if m.channel is None]
        assert len(refused) == (0 if sent else 1)
        for reasons in refused:
            assert reasons == {item.decision.channel: item.decision.reason for item in mine}


@settings(max_examples=40)
@given(of_client=people, known=st.lists(st.sampled_from(CHANNELS), unique=True))
def test_what_explain_says_of_an_event_is_what_happens(of_client: dict[str, Any], known: list[Channel]) -> None:
    rig = Rig()
    rig.connections.channels = frozenset(known)
    rig.account.clients[ORG, "anna"] = client("anna", **of_client)
    rig.put(staff_ids=["s1", "s2"])
    said = explained(rig, event="appointment.booked")
    rig.follow("anna")
    deliver(rig)
    told = {
        (message.key.recipient, message.channel)
        for message in rig.account.found(ORG)
        if message.occasion.event is not None and message.status == "sent"
    }
    assert told == {(item.decision.recipient.ref, item.decision.channel) for item in said if item.would_send}
    assert {item.level for item in said if item.decision.reason == "rule_disabled"} == {"builtin"}


def let_the_day_happen(rig: Rig) -> None:
    """Fire what is due at once, as one batch, and send what waits until nothing does."""
    while rig.schedules.kept:
        at = min(due.fires for due in rig.schedules.kept.values())
        rig.clock.at = max(rig.clock.at, at)
        now = [name for name, due in rig.schedules.kept.items() if due.fires <= rig.clock.at]
        rig.dispatcher().dispatch([rig.schedules.kept.pop(name) for name in now])
        for _ in range(8):
            deliver(rig)


@settings(max_examples=60)
@given(of_client=people, known=st.lists(st.sampled_from(CHANNELS), unique=True), gap=st.integers(1, 6))
def test_what_explain_says_of_two_appointments_of_a_day_is_what_happens(
    of_client: dict[str, Any], known: list[Channel], gap: int
) -> None:
    rig = Rig(collapse_same_day=True)
    rig.connections.channels = frozenset(known)
    rig.account.clients[ORG, "anna"] = client("anna", **of_client)
    refs = {"42": "2026-12-01T09:00:00", "43": f"2026-12-01T{9 + gap:02d}:00:00"}
    for name, start in refs.items():
        stated = AppointmentInput(client_id="anna", start=start, duration_minutes=30, status="booked", notify=False)
        rig.appointments().put(CALLER, name, stated)
        rig.planner().follow(ORG, f"appointments/{name}", ("anna",))
    explaining = Explaining(MemoryReader(rig.account), rig.connections, rig.clock, same_day=rig.same_day())
    said = {
        (name, item.reminder, item.decision.channel)
        for name in refs
        for item in explaining.explain(ORG, Question(record=f"appointments/{name}"))
        if item.reminder is not None and item.would_send
    }
    let_the_day_happen(rig)
    assert rig.errors == []
    sent = {
        (message.occasion.record.partition("/")[2], message.occasion.reminder, message.channel)
        for message in rig.account.found(ORG)
        if message.status == "sent"
    }
    assert sent == said
