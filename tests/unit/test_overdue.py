"""Overdue tasks: once per due time, following due time and status, whatever dies on the way."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.listing import Page
from carillon.domain.overdue import OVERDUE
from carillon.ports.upkeep import Marks
from carillon.services.due_tasks import overdue_job
from carillon.services.sweeping import Sweep
from tests.builders import ORG, organization, settings
from tests.business import Office, on
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryDueRows, MemoryReader, MemoryRecords
from tests.faults import Died, Failed, Line, lines

DUE = "2026-11-23T17:00:00"
AT = datetime.fromisoformat("2026-11-23T16:00:00Z")
REF = "tasks/t1"


def office(line: Line | None = None, **of_settings: Any) -> Office:
    made = Office(line, **of_settings)
    made.tell(on("task.overdue", "assignee", "email"), on("task.overdue", "author", "email", "sms"))
    return made


def planned(**changes: Any) -> Office:
    made = office()
    made.task(**({"due": DUE} | changes))
    made.plan(REF)
    return made


def entries(of: Office) -> list[tuple[str, datetime, str]]:
    return [(entry.key, entry.at, entry.state) for entry in of.stored(REF).plan]


def test_a_task_that_is_still_open_when_due_tells_assignees_and_author_once() -> None:
    at = planned()
    assert entries(at) == [(OVERDUE, AT, "planned")]
    due = at.due()
    assert (due.at, due.client_id) == (AT, "")
    assert [done.result for done in at.pass_due(due)] == ["fired"]
    assert at.plan(REF)
    assert at.heard() == [
        ("s:s1", "task.overdue", "email"),
        ("s:s1", "task.overdue", "sms"),
        ("s:s2", "task.overdue", "email"),
    ]
    assert [done.result for done in at.pass_due(due)] == ["stale_schedule"]
    assert not at.plan(REF)
    at.task(due=DUE, title="Call back today")
    at.plan(REF)
    assert at.heard() == []


def test_another_due_time_is_another_schedule_and_the_old_one_does_nothing() -> None:
    at = planned()
    old = at.due()
    at.task(due="2026-11-24T17:00:00")
    at.plan(REF)
    new = at.due()
    assert (new.at - old.at, new.generation) == (timedelta(days=1), 2)
    assert [done.result for done in at.pass_due(old)] == ["stale_schedule"]
    assert [done.result for done in at.pass_due(new)] == ["fired"]


def test_each_due_time_is_announced_once_and_one_that_comes_back_is_not() -> None:
    at = planned()
    at.pass_due(at.due())
    at.task(due="2026-11-24T17:00:00")
    at.plan(REF)
    later = next(due for due in at.schedules.kept.values() if due.generation == 2)
    at.task(due=DUE)
    assert entries(at) == []
    at.task(due="2026-11-24T17:00:00")
    at.plan(REF)
    newest = max(at.schedules.kept.values(), key=lambda due: due.generation)
    assert [done.result for done in at.pass_due(later)] == ["stale_schedule"]
    assert [done.result for done in at.pass_due(newest)] == ["fired"]


@pytest.mark.parametrize("change", [{"status": "done"}, {"due": None}])
def test_what_is_done_or_not_due_any_more_is_never_overdue(change: dict[str, Any]) -> None:
    at = planned()
    due = at.due()
    at.task(**({"due": DUE} | change))
    at.plan(REF)
    assert at.schedules.kept == {}
    assert [done.result for done in at.pass_due(due)] == ["stale_schedule"]
    assert at.stored(REF).events == ()


def test_what_is_done_and_opened_again_in_time_is_overdue_after_all() -> None:
    at = planned()
    at.task(due=DUE, status="done")
    at.task(due=DUE)
    at.plan(REF)
    due = max(at.schedules.kept.values(), key=lambda due: due.generation)
    assert [done.result for done in at.pass_due(due)] == ["fired"]


def test_what_was_due_when_it_was_stated_tells_nobody() -> None:
    at = planned(due="2026-11-23T09:59:00")
    assert entries(at) == []
    assert at.schedules.kept == {}


def test_a_deleted_task_is_not_overdue() -> None:
    at = planned()
    due = at.due()
    at.tasks().delete(ORG, "t1")
    assert [done.result for done in at.pass_due(due)] == ["stale_schedule"]


def test_a_message_about_a_task_that_was_done_meanwhile_is_not_sent() -> None:
    at = planned()
    at.pass_due(at.due())
    at.plan(REF)
    at.task(due=DUE, status="done", notify=False)
    at.deliver()
    assert {m.status for m in at.account.found(ORG)} == {"suppressed", "queued"}
    assert at.provider.sent == []


def test_what_comes_due_in_silence_is_never_announced() -> None:
    at = planned()
    due = at.due()
    at.account.organizations[ORG] = organization(active=False)
    assert [done.result for done in at.pass_due(due)] == ["notifications_inactive"]
    at.account.organizations[ORG] = organization()
    assert [done.result for done in at.pass_due(due)] == ["stale_schedule"]
    assert at.stored(REF).events == ()


def test_a_due_time_too_near_for_a_schedule_waits_for_its_minute() -> None:
    at = office()
    at.clock.at = AT - timedelta(seconds=40)
    at.task(due=DUE)
    at.plan(REF)
    (job,) = at.queues.jobs
    assert (job["kind"], job["r"], job["at"]) == ("overdue", REF, "2026-11-23T16:00:00Z")
    assert (at.queues.due, at.schedules.kept) == ([], {})


def test_what_comes_before_its_time_is_asked_for_again() -> None:
    at = planned()
    due = at.due()
    assert [done.result for done in at.overdue().fire([due])] == ["too_soon"]
    assert at.queues.jobs == [overdue_job(due)]
    assert at.stored(REF).events == ()


def test_another_zone_of_the_organization_moves_the_due_time_with_it() -> None:
    at = planned()
    due = at.due()
    at.account.settings[ORG] = settings(time_zone="America/New_York")
    assert [done.result for done in at.pass_due(due)] == ["stale_schedule"]
    at.plan(REF)
    moved = max(at.schedules.kept.values(), key=lambda each: each.generation)
    assert moved.at == datetime.fromisoformat("2026-11-23T22:00:00Z")
    assert [done.result for done in at.pass_due(moved)] == ["fired"]


class NoRecords(MemoryRecords):
    def page(self, *_: Any, **__: Any) -> Page[Any]:
        return Page([])


class NoMarks:
    def load(self, org_id: str) -> Marks | None:  # noqa: ARG002
        return None

    def save(self, org_id: str, marks: Marks) -> None:
        pass


def test_the_sweep_brings_a_due_time_whose_schedule_was_lost_and_no_other() -> None:
    at = planned()
    at.task("t2", due=DUE)
    at.plan("tasks/t2")
    at.task("t3", due=DUE)
    at.plan("tasks/t3")
    by_task = {due.record: due for due in at.schedules.kept.values()}
    at.pass_due(by_task["tasks/t2"])
    at.plan("tasks/t2")
    at.task("t3", due=DUE, status="done")
    at.plan("tasks/t3")
    at.account.messages.clear()
    at.clock.at = AT + timedelta(minutes=20)
    sweep = Sweep(
        reader=MemoryReader(at.account),
        records=NoRecords(at.account),
        due_rows=MemoryDueRows(at.account),
        messages=MemoryMessages(at.account),
        queues=at.queues,
        marks=NoMarks(),
        fallback=at.fallback(),
        clock=at.clock,
    )
    assert sweep.run(ORG).due == 1
    (due,) = at.queues.due
    assert due.record == REF
    assert [done.result for done in at.overdue().fire([due])] == ["fired"]
    assert sweep.run(ORG).due == 0


def again(step: Any) -> None:
    for _ in range(3):
        try:
            step()
        except (Died, Failed):
            continue
        return
    raise AssertionError("it never comes through")


def passed(line: Line) -> Office:
    """Let the due time pass, with the line broken while it is announced, followed and sent."""
    at = planned()
    due, at.line = at.due(), line
    again(lambda: at.pass_due(due))
    again(lambda: at.plan(REF))
    at.line = Line()
    while at.queues.ready:
        at.deliver("email")
        at.deliver("sms")
    return at


def test_whatever_dies_on_the_way_everybody_is_told_exactly_once() -> None:
    whole = Line()
    assert len(passed(whole).provider.sent) == 3
    assert len(whole.calls) > 8
    for line in lines(len(whole.calls)):
        at = passed(line)
        assert len(at.provider.sent) == 3, line
        assert at.stored(REF).settled, line


def started(line: Line) -> Office:
    """Follow a new task and then its new due time, with the line broken."""
    at = office()
    at.task(due=DUE)
    at.line = line
    again(lambda: at.plan(REF))
    at.task(due="2026-11-24T17:00:00")
    again(lambda: at.plan(REF))
    return at


def test_whatever_dies_while_it_is_planned_the_due_time_has_its_schedule() -> None:
    whole = Line()
    started(whole)
    for line in lines(len(whole.calls)):
        at = started(line)
        assert any(due.generation == 2 for due in at.schedules.kept.values()), line
        at.line = Line()
        for due in list(at.schedules.kept.values()):
            at.pass_due(due)
        assert [event.type for event in at.stored(REF).events] == ["task.overdue"], line
