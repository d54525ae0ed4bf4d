"""The schedules of recaps follow the settings, whatever comes in between and wherever it breaks."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon.domain.recaps import DEADLINE, Cron, CronPlan
from carillon.domain.scheduling import cron_name
from carillon.domain.settings import RecapOf
from carillon.ports.recaps import RecapDue
from tests.faults import Died, Failed, Line, lines
from tests.recap_store import MemoryCrons, MemoryRecapPlans, RecapRig

ZONE = "Europe/Amsterdam"
BOTH = [("managers", "07:00", ZONE), ("staff", "07:00", ZONE)]
SEVEN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""The first 07:00 in Amsterdam after the rig's clock begins."""


def made(**recap: Any) -> RecapRig:
    rig = RecapRig(**recap)
    rig.follow_settings()
    return rig


def set_zone(rig: RecapRig, zone: str) -> None:
    rig.account.settings[rig.org_id] = replace(rig.account.settings[rig.org_id], time_zone=zone)


def test_each_recap_that_is_on_has_a_schedule_in_the_organizations_zone() -> None:
    assert made().crons.times() == BOTH
    assert made(staff=RecapOf(enabled=True, at="18:30"), managers=RecapOf()).crons.times() == [("staff", "18:30", ZONE)]
    assert made(staff=RecapOf(enabled=True, channels=[]), managers=RecapOf()).crons.times() == []


def test_following_again_does_nothing() -> None:
    rig = made()
    before = (dict(rig.plans.kept), dict(rig.crons.kept))
    assert rig.follow_settings() is False
    assert (rig.plans.kept, rig.crons.kept, rig.crons.deleted) == (*before, [])


def test_another_time_or_zone_is_another_schedule_and_the_old_one_goes() -> None:
    rig = made()
    first = set(rig.crons.kept)
    rig.set_recap(staff=RecapOf(enabled=True, at="08:00"))
    assert rig.follow_settings() is True
    assert rig.crons.times() == [("managers", "07:00", ZONE), ("staff", "08:00", ZONE)]
    assert len(first & set(rig.crons.kept)) == 1
    set_zone(rig, "Asia/Tokyo")
    rig.follow_settings()
    assert rig.crons.times() == [("managers", "07:00", "Asia/Tokyo"), ("staff", "08:00", "Asia/Tokyo")]
    assert not first & set(rig.crons.kept)


def test_what_is_decided_when_it_fires_needs_no_other_schedule() -> None:
    rig = made()
    rig.set_recap(staff=RecapOf(enabled=True, day="day_before", channels=["sms"]), send_empty=True)
    assert rig.follow_settings() is False


def test_going_back_to_an_earlier_time_takes_no_earlier_name() -> None:
    # Deleting the first one may still be under way: it must not take the third one along.
    rig = made(managers=RecapOf())
    names = set(rig.crons.kept)
    for at in ("08:00", "07:00", "08:00"):
        rig.set_recap(staff=RecapOf(enabled=True, at=at))
        rig.follow_settings()
        assert not names & set(rig.crons.kept)
        names |= set(rig.crons.kept)


@pytest.mark.parametrize("off", [{"active": False}, {"suspended": True}])
def test_an_organization_that_does_not_send_has_none_and_gets_them_back(off: dict[str, bool]) -> None:
    rig = made()
    here = rig.account.organizations[rig.org_id]
    rig.account.organizations[rig.org_id] = replace(here, **off)  # type: ignore[arg-type]
    rig.follow_settings()
    assert rig.crons.times() == []
    rig.account.organizations[rig.org_id] = here
    rig.follow_settings()
    assert rig.crons.times() == BOTH


def test_of_an_organization_that_is_gone_nothing_stays() -> None:
    rig = made()
    rig.account.organizations[rig.org_id] = replace(rig.account.organizations[rig.org_id], deleted=True)
    rig.follow_settings()
    assert (rig.crons.kept, rig.plans.kept) == ({}, {})


def test_an_organization_without_settings_has_none_and_leaves_no_trace() -> None:
    rig = RecapRig()
    del rig.account.settings[rig.org_id]
    assert rig.follow_settings() is False
    assert (rig.crons.kept, rig.plans.kept) == ({}, {})
    assert rig.schedules_of_recaps().follow("nobody", rig.clock.now()) is False


def test_a_time_that_is_about_to_come_is_not_left_to_a_schedule_just_made() -> None:
    rig = RecapRig(managers=RecapOf())
    rig.clock.at = SEVEN - timedelta(seconds=20)
    rig.follow_settings()
    assert rig.recap_queue.sent == [(RecapDue(rig.org_id, "staff", SEVEN), 20)]


def test_a_time_that_came_while_its_setting_was_under_way_is_made_up_for() -> None:
    rig = RecapRig(managers=RecapOf())
    rig.clock.at = SEVEN + timedelta(seconds=90)
    rig.schedules_of_recaps().follow(rig.org_id, SEVEN - timedelta(seconds=1))
    assert rig.recap_queue.sent == [(RecapDue(rig.org_id, "staff", SEVEN), 0)]


def test_a_time_before_the_setting_was_saved_is_not() -> None:
    rig = RecapRig()
    rig.clock.at = SEVEN + timedelta(seconds=90)
    rig.schedules_of_recaps().follow(rig.org_id, SEVEN)
    assert rig.recap_queue.sent == []


class TestTheSweep:
    def test_makes_a_schedule_that_nobody_made(self) -> None:
        rig = RecapRig()
        assert rig.schedules_of_recaps().mend(rig.org_id) == 0
        assert rig.crons.times() == BOTH

    def test_tells_a_recap_whose_schedule_did_not_fire_and_makes_it_again(self) -> None:
        rig = made(managers=RecapOf())
        rig.crons.kept.clear()
        rig.clock.at = SEVEN + timedelta(minutes=14)
        assert rig.schedules_of_recaps().mend(rig.org_id) == 0
        rig.clock.at = SEVEN + timedelta(minutes=15)
        assert rig.schedules_of_recaps().mend(rig.org_id) == 1
        assert [due for due, _ in rig.recap_queue.sent] == [RecapDue(rig.org_id, "staff", SEVEN)]
        assert rig.crons.times() == [("staff", "07:00", ZONE)]

    def test_leaves_alone_what_was_dealt_with(self) -> None:
        rig = made(managers=RecapOf())
        rig.fire_recap("staff", SEVEN)
        rig.clock.at = SEVEN + timedelta(minutes=30)
        assert rig.schedules_of_recaps().mend(rig.org_id) == 0
        rig.clock.at += timedelta(days=1)
        assert rig.schedules_of_recaps().mend(rig.org_id) == 1

    def test_leaves_alone_what_would_be_too_late(self) -> None:
        rig = made()
        rig.clock.at = SEVEN + DEADLINE
        assert rig.schedules_of_recaps().mend(rig.org_id) == 0


def test_who_is_overtaken_removes_what_it_made_for_settings_of_before() -> None:
    rig = RecapRig(managers=RecapOf())
    stolen: list[str] = []

    class Overtaken(MemoryCrons):
        """Another caller follows newer settings just before this one's first schedule is made."""

        def create(self, org_id: str, cron: Cron) -> None:
            if not stolen:
                stolen.append(cron_name(org_id, cron.kind, cron.at, cron.zone, cron.generation))
                rig.set_recap(staff=RecapOf(enabled=True, at="09:00"))
                rig.follow_settings()
            super().create(org_id, cron)

    rig.crons = Overtaken(rig.crons.kept)
    rig.follow_settings()
    assert rig.crons.times() == [("staff", "09:00", ZONE)]
    assert rig.crons.deleted.count(stolen[0]) == 2
    assert rig.plans.kept[rig.org_id].settled


def test_a_schedule_that_nobody_knows_of_is_removed_when_it_has_fired() -> None:
    rig = made()
    stray = Cron("staff", "05:00", ZONE, 99, rig.clock.now())
    rig.crons.create(rig.org_id, stray)
    (name,) = [name for name, (_, cron) in rig.crons.kept.items() if cron is stray]
    rig.fire_recap("staff", SEVEN - timedelta(hours=2), name)
    (job,) = rig.queues.jobs
    assert rig.schedules_of_recaps().follow(rig.org_id, rig.clock.now(), job["stale"]) is True
    assert rig.crons.times() == BOTH


def test_one_that_is_wanted_again_by_then_stays() -> None:
    rig = made()
    assert rig.schedules_of_recaps().follow(rig.org_id, rig.clock.now(), list(rig.crons.kept)) is False
    assert rig.crons.times() == BOTH


def changed(line: Line) -> RecapRig:
    """Schedules as they were, other settings, and a line that breaks while they are followed; a job comes again."""
    rig = made()
    rig.set_recap(staff=RecapOf(enabled=True, at="08:00"), managers=RecapOf())
    rig.clock.at = SEVEN + timedelta(minutes=59, seconds=30)
    rig.line = line
    for _ in range(3):
        try:
            rig.follow_settings()
        except (Died, Failed):
            rig.clock.advance(seconds=10)
            continue
        break
    return rig


def test_wherever_it_breaks_the_schedules_end_as_they_should() -> None:
    counting = Line()
    changed(counting)
    for line in lines(len(counting.calls)):
        rig = changed(line)
        assert rig.crons.times() == [("staff", "08:00", ZONE)], line
        plan = rig.plans.kept[rig.org_id]
        assert (plan.settled, plan.old) == (True, ()), line
        assert {due.at for due, _ in rig.recap_queue.sent} == {SEVEN + timedelta(hours=1)}, line


def test_a_job_that_never_comes_again_is_made_up_for_by_the_sweep() -> None:
    counting = Line()
    changed(counting)
    for line in lines(len(counting.calls)):
        rig = made()
        rig.set_recap(staff=RecapOf(enabled=True, at="08:00"))
        rig.line = line
        with suppress(Died, Failed):
            rig.follow_settings()
        rig.line = Line()
        rig.schedules_of_recaps().mend(rig.org_id)
        assert rig.crons.times() == [("managers", "07:00", ZONE), ("staff", "08:00", ZONE)], line


class TestThePlan:
    def test_notes_no_earlier_occurrence_than_it_knows(self) -> None:
        plans = MemoryRecapPlans({"o": CronPlan(version=1)})
        plans.done("o", "staff", SEVEN)
        plans.done("o", "staff", SEVEN - timedelta(days=1))
        assert plans.load("o").done == {"staff": SEVEN}

    def test_notes_nothing_where_there_is_none(self) -> None:
        plans = MemoryRecapPlans()
        plans.done("o", "staff", SEVEN)
        assert plans.kept == {}
