"""Quiet hours in the pipeline: what is held when it is made, when it is sent, and what goes before they begin."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.clients import ConsentState
from carillon.domain.decide import decide_event, decide_reminder
from carillon.domain.rules import RulesInForce, default_rules
from carillon.domain.settings import QuietHours, Reminder, Review, When
from carillon.ports.delivery import Outcome
from tests.builders import NOW, ORG, appointment, client, event, facts, planned, record, reminder, settings, with_plan
from tests.rig import Rig

NIGHT = QuietHours(enabled=True, start="21:00", end="08:00")


def at(text: str) -> datetime:
    """Read a time of Amsterdam's winter."""
    return datetime.fromisoformat(f"{text}:00+01:00")


def rig(start: str, *reminders: Reminder, **changes: Any) -> Rig:
    """An organization with quiet hours, at noon of 23 November, and Anna's appointment ahead."""
    made = Rig(quiet_hours=NIGHT)
    made.account.clients[ORG, "anna"] = client(**({"reminders": list(reminders)} | changes))
    made.clock.at = NOW
    made.put(start=start, notify=False)
    made.follow("anna")
    return made


def before(duration: str, *channels: Channel, strategy: str = "first_reachable") -> Reminder:
    return reminder("own", strategy=strategy, before=duration, channels=list(channels))


def told(made: Rig) -> dict[Channel | None, tuple[str, str | None, datetime | None]]:
    return {each.channel: (each.status, each.reason, each.not_before) for each in made.account.found(ORG)}


def test_a_reminder_in_the_night_waits_until_the_morning() -> None:
    made = rig("2026-12-01T14:00:00", before("PT12H", "sms"))
    made.fire("own")
    assert made.clock.at == at("2026-12-01T02:00")
    assert told(made) == {"sms": ("queued", "quiet_hours", at("2026-12-01T08:00"))}
    ((waiting, turn),) = made.queues.waits
    assert (made.queues.ready, turn) == ([], at("2026-12-01T08:00"))
    # Two hours after it was due it would be too late; held, it may still go in the morning.
    assert made.only().deadline == at("2026-12-01T10:00")
    made.clock.at, made.queues.ready = turn, [waiting]
    made.deliver("sms")
    assert made.only().status == "sent"


def test_what_would_wait_past_the_appointment_goes_before_the_night_and_its_instant_stays() -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms"))
    (entry,) = made.record().plan
    assert (entry.at, entry.early) == (at("2026-12-01T06:30"), at("2026-11-30T20:45"))
    assert list(made.schedules.expressions.values()) == ["at(2026-11-30T19:45:00)"]
    made.fire("own")
    assert made.clock.at == at("2026-11-30T20:45")
    assert told(made) == {"sms": ("queued", None, None)}
    made.deliver("sms")
    assert made.only().status == "sent"
    assert made.only().occasion.start == at("2026-12-01T07:30")


def test_a_channel_that_is_not_held_keeps_its_instant_beside_one_that_goes_early() -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms", "email", strategy="all"))
    made.fire("own")
    meant = at("2026-12-01T06:30")
    assert told(made) == {"sms": ("queued", None, None), "email": ("queued", None, meant)}
    made.deliver("sms")
    ((waiting, turn),) = made.queues.waits
    assert (waiting.channel, turn) == ("email", meant)
    made.clock.at, made.queues.ready, made.queues.waits = at("2026-11-30T22:00"), [waiting], []
    assert [sent.result for sent in made.deliver("email")] == ["deferred"]
    made.clock.at, made.queues.ready = meant, [waiting]
    assert [sent.result for sent in made.deliver("email")] == ["sent"]


def test_once_the_night_has_begun_the_next_channel_that_is_not_held_has_its_turn() -> None:
    made = Rig(quiet_hours=NIGHT)
    made.account.clients[ORG, "anna"] = client(reminders=[before("PT1H", "whatsapp", "sms", "email")])
    made.clock.at = at("2026-11-30T22:00")
    made.put(start="2026-12-01T07:30:00", notify=False)
    made.follow("anna")
    assert made.record().plan[0].early is None
    made.fire("own")
    assert told(made) == {"email": ("queued", None, None)}
    assert made.only().tried == (("whatsapp", "quiet_hours"), ("sms", "quiet_hours"))


def test_nothing_left_is_suppressed_with_the_reason() -> None:
    made = Rig(quiet_hours=NIGHT)
    made.account.clients[ORG, "anna"] = client(reminders=[before("PT1H", "whatsapp", "sms")])
    made.clock.at = at("2026-11-30T22:00")
    made.put(start="2026-12-01T07:30:00", notify=False)
    made.follow("anna")
    made.fire("own")
    assert told(made) == {None: ("suppressed", "quiet_hours", None)}


def test_a_reminder_set_into_the_night_goes_as_set_and_a_late_try_of_it_does_not() -> None:
    made = rig("2026-12-01T14:00:00", reminder("own", days_before=1, at="22:00", channels=["sms"]))
    made.fire("own")
    assert told(made) == {"sms": ("queued", None, None)}
    made.provider.script = [Outcome("retry", retry_after=2 * 3600)]
    made.deliver("sms")
    ((waiting, turn),) = made.queues.waits
    made.clock.at, made.queues.ready, made.queues.waits = turn, [waiting], []
    assert [(sent.result, sent.reason) for sent in made.deliver("sms")] == [("deferred", "quiet_hours")]
    assert told(made) == {"sms": ("queued", "quiet_hours", at("2026-12-01T08:00"))}
    assert made.only().attempt == 1


def test_a_late_try_does_not_fall_into_the_night() -> None:
    made = rig("2026-12-01T14:00:00", reminder("own", days_before=1, at="20:55", channels=["sms"]))
    made.fire("own")
    made.provider.script = [Outcome("retry", retry_after=600)]
    made.deliver("sms")
    made.clock.advance(seconds=601)
    (done,) = made.deliver("sms")
    assert (done.result, done.reason) == ("deferred", "quiet_hours")
    ((_, turn),) = made.queues.waits
    assert turn == at("2026-12-01T08:00")


def test_a_late_try_that_could_only_go_after_the_appointment_gives_the_next_channel_its_turn() -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms", "email"))
    made.fire("own")
    made.clock.at = at("2026-11-30T21:10")
    made.deliver("sms")
    assert told(made) == {
        "sms": ("suppressed", "quiet_hours", None),
        "email": ("queued", None, at("2026-12-01T06:30")),
    }


def test_the_zone_is_the_clients_else_the_appointments_else_the_organizations() -> None:
    due = at("2026-11-30T23:00")  # 17:00 in New York
    about = appointment(start="2026-12-01T11:00:00+01:00")
    abroad = replace(about, time_zone="America/New_York")
    for person, of, held in (
        (client(), about, True),
        (client(time_zone="America/New_York"), about, False),
        (client(), abroad, False),
        (client(time_zone="Europe/Amsterdam"), abroad, True),
    ):
        kept = replace(person, reminders=[before("PT12H", "sms")])
        of_record = with_plan(record(of), planned("own", due))
        verdict = decide_reminder(
            "own", facts(client=kept, record=of_record, settings=settings(quiet_hours=NIGHT), now=due)
        )
        assert verdict is not None
        assert [(each.not_before is not None) for each in verdict.send] == [held]


def with_sms(row: str) -> RulesInForce:
    rules = default_rules()
    changed = [
        replace(rule, channels={**rule.channels, "sms": replace(rule.channels["email"], enabled=True)})
        if rule.key == row
        else rule
        for rule in rules.rules
    ]
    return RulesInForce(replace(rules, rules=changed), "organization")


def test_an_event_in_the_night_waits_for_clients_and_for_nobody_else() -> None:
    night = at("2026-11-30T23:30")
    verdicts = decide_event(
        event(),
        facts(rules=with_sms("appointment.booked.console"), settings=settings(quiet_hours=NIGHT), now=night),
    )
    turns = {(v.recipient.audience, each.channel): each.not_before for v in verdicts for each in v.send}
    assert turns[("client", "sms")] == at("2026-12-01T08:00")
    assert turns[("client", "email")] is None


def test_an_event_that_could_only_come_after_the_appointment_is_not_sent_where_it_is_held() -> None:
    night = at("2026-11-30T23:30")
    soon = record(appointment(start="2026-12-01T07:30:00"))
    verdicts = decide_event(
        event(),
        facts(
            rules=with_sms("appointment.booked.console"), record=soon, settings=settings(quiet_hours=NIGHT), now=night
        ),
    )
    (verdict,) = [each for each in verdicts if each.recipient.audience == "client"]
    assert [(each.channel, each.reason) for each in verdict.refused] == [("sms", "quiet_hours")]
    assert [each.channel for each in verdict.send if each.channel != "push"] == ["email"]


def test_marketing_waits_at_night_whatever_the_settings_say() -> None:
    asked = Reminder(key="review", enabled=True, when=When(after_end="PT2H"), channels=["email"], strategy="all")
    agreed = ConsentState(service={"email": True}, marketing={"email": True})
    night = at("2026-12-01T22:30")
    done = with_plan(
        record(replace(appointment(start="2026-12-01T19:00:00"), status="completed"), completed_at=night),
        planned("review", night),
    )
    written = settings(review=Review(url="https://example.com/review"))
    known = facts(client=client(reminders=[asked], consents=agreed), record=done, now=night, settings=written)
    verdict = decide_reminder("review", known)
    assert verdict is not None
    assert [(each.channel, each.reason, each.not_before) for each in verdict.send] == [
        ("email", "quiet_hours", at("2026-12-02T08:00"))
    ]


def test_quiet_hours_that_are_switched_on_later_are_planned_for() -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms"))
    made.account.settings[ORG] = settings()
    made.put(start="2026-12-01T07:30:00", notify=False, service="x")
    made.follow("anna")
    assert made.record().plan[0].early is None
    made.account.settings[ORG] = settings(quiet_hours=NIGHT)
    made.put(start="2026-12-01T07:30:00", notify=False, service="y")
    made.follow("anna")
    (entry,) = made.record().plan
    assert entry.early == at("2026-11-30T20:45")
    assert [due.fires for due in made.schedules.kept.values()] == [entry.early]


def test_the_plan_stays_as_it_is_once_its_early_turn_has_come() -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms"))
    made.fire("own")
    planned_before = made.record().plan
    for later in ("2026-11-30T20:50", "2026-11-30T21:30", "2026-12-01T06:31"):
        made.clock.at = at(later)
        made.put(start="2026-12-01T07:30:00", notify=False, service=later)
        made.follow("anna")
        assert made.record().plan == planned_before
    assert len(made.account.found(ORG)) == 1


@pytest.mark.parametrize(("minutes", "sent"), [(14, True), (16, False)])
def test_before_the_night_means_before_the_night(minutes: int, sent: bool) -> None:
    made = rig("2026-12-01T07:30:00", before("PT1H", "sms"))
    made.fire("own")
    made.clock.advance(minutes=minutes)
    made.deliver("sms")
    assert (made.only().status == "sent") is sent
    assert made.clock.at - timedelta(minutes=minutes) == at("2026-11-30T20:45")
