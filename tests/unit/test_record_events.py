"""What becomes an event of an order, a lead or a task: the tables, and that nobody is told of one change twice."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.catalog import EVENT_ROWS
from carillon.domain.decide import Told, decide_event
from carillon.domain.record_documents import Actor, Lead, Order, Task
from carillon.domain.record_events import TABLES, derive_of
from carillon.domain.records import Event, StoredRecord
from carillon.domain.rules import RulesInForce
from carillon.domain.settings import Status
from carillon.domain.times import iso
from tests.builders import NOW, facts, settings, staff
from tests.business import Office, on
from tests.verdicts import sends

ENDS = settings(order_statuses=[Status(key="picked_up", final=True)], lead_statuses=[Status(key="lost", final=True)])


def order(**changes: Any) -> Order:
    return Order(**({"client_id": "anna", "number": "117", "status": "new"} | changes))


def lead(**changes: Any) -> Lead:
    return Lead(**({"client_id": "anna", "status": "new"} | changes))


def task(**changes: Any) -> Task:
    return Task(**({"title": "Call", "author_id": "s1", "assignee_ids": ["s2"], "status": "open"} | changes))


def derived(before: Any, after: Any) -> list[Event]:
    return derive_of(before, after, actor=Actor(), version=2, at=iso(NOW), settings=ENDS)


def kinds(before: Any, after: Any) -> list[tuple[str, list[str] | None, list[str] | None]]:
    return [(event.type, event.audiences, event.staff) for event in derived(before, after)]


def test_the_tables_name_every_event_of_the_catalog_and_no_other() -> None:
    named = {row.event for table in TABLES.values() for row in table} | {"task.overdue"}
    assert named == {row.event for row in EVENT_ROWS if row.group in ("orders", "leads", "tasks")}


CHANGES: list[tuple[Any, Any, list[tuple[str, list[str] | None, list[str] | None]]]] = [
    (None, order(executor_ids=["s1"]), [("order.created", None, None)]),
    (None, order(final=True), []),
    (None, order(status="picked_up"), []),
    (order(), order(), []),
    (order(), order(summary="Two chairs", due="2026-12-01T12:00:00", fields={"x": 1}), []),
    (order(), order(status="ready"), [("order.status_changed", None, None)]),
    (order(), order(final=True), [("order.completed", None, None)]),
    (order(), order(status="picked_up"), [("order.completed", None, None), ("order.status_changed", None, None)]),
    (order(status="picked_up"), order(status="picked_up", final=True), []),
    (order(status="picked_up"), order(status="new"), [("order.status_changed", None, None)]),
    (order(final=True), order(final=False), []),
    (order(), order(executor_ids=["s1"]), [("order.assigned", ["executor"], ["s1"])]),
    (order(executor_ids=["s1"]), order(executor_ids=["s2"]), [("order.assigned", ["executor"], ["s2"])]),
    (order(executor_ids=["s1", "s2"]), order(executor_ids=["s2"]), []),
    (
        order(executor_ids=["s1"]),
        order(executor_ids=["s1", "s2"], manager_ids=["s1"], status="ready"),
        [
            ("order.assigned", ["executor"], ["s2"]),
            ("order.assigned", ["order_manager"], ["s1"]),
            ("order.status_changed", None, None),
        ],
    ),
    (None, lead(manager_ids=["s1"]), [("lead.created", None, None)]),
    (None, lead(status="lost"), []),
    (lead(), lead(status="called"), [("lead.status_changed", None, None)]),
    (lead(), lead(status="lost"), [("lead.status_changed", None, None)]),
    (lead(), lead(final=True), []),
    (lead(), lead(manager_ids=["s2"]), [("lead.assigned", ["lead_manager"], ["s2"])]),
    (None, task(), [("task.created", None, None)]),
    (None, task(status="done"), []),
    (task(), task(status="done"), [("task.completed", None, None)]),
    (task(status="done"), task(), []),
    (task(status="done"), task(status="done", assignee_ids=["s1"]), []),
    (task(), task(assignee_ids=["s2", "s1"]), [("task.assigned", ["assignee"], ["s1"])]),
    (task(), task(assignee_ids=["s1"], status="done"), [("task.completed", None, None)]),
    (task(), task(due="2026-12-01T12:00:00", author_id="s2"), []),
]


@pytest.mark.parametrize(("before", "after", "events"), CHANGES)
def test_each_difference_is_the_event_that_the_tables_say(before: Any, after: Any, events: list[Any]) -> None:
    assert kinds(before, after) == events


def test_an_event_says_which_status_it_came_from_and_to() -> None:
    (event,) = derived(order(), order(status="ready"))
    assert (event.was, event.status, event.client_id) == ("new", "ready", "anna")
    assert derived(None, task())[0].status is None


ids = st.lists(st.sampled_from(["s1", "s2", "s3"]), max_size=3, unique=True)
orders = st.builds(
    order,
    status=st.sampled_from(["new", "ready", "picked_up"]),
    final=st.booleans(),
    executor_ids=ids,
    manager_ids=ids,
    client_id=st.sampled_from(["anna", "bob"]),
)
leads = st.builds(lead, status=st.sampled_from(["new", "called", "lost"]), final=st.booleans(), manager_ids=ids)
tasks = st.builds(
    task, status=st.sampled_from(["open", "done"]), assignee_ids=ids, author_id=st.sampled_from(["s1", "s2"])
)
stories = st.one_of(*(st.lists(kind, min_size=1, max_size=6) for kind in (orders, leads, tasks)))
bound = st.lists(st.sampled_from(["new", "ready", "picked_up", "called", "lost"]), max_size=2, unique=True)


@given(stories, bound)
def test_whatever_is_stated_nobody_is_told_of_one_change_twice(story: list[Any], statuses: list[str]) -> None:
    office = Office()
    office.tell_all()
    events = ("order.status_changed", "lead.status_changed")
    extra = [on(kind, "client", "email", status=status) for kind in events for status in statuses]
    rules = RulesInForce(office.account.rules["aurora"], "organization")
    rules = RulesInForce(type(rules.rules)(rules=rules.rules.rules + extra), "organization")
    before = None
    for version, after in enumerate(story, 1):
        changes = derive_of(before, after, actor=Actor(), version=version, at=iso(NOW), settings=ENDS)
        known = {name: staff(name) for name in ("s1", "s2", "s3")}
        of = facts(
            settings=ENDS,
            rules=rules,
            record=StoredRecord(ref_of(after), version, after, created_at=NOW, accepted_at=NOW),
            staff=known,
        )
        told: Told = set()
        heard = [item for event in changes for item in sends(decide_event(event, of, told))]
        assert max(Counter(ref for _, ref, _, _ in heard).values(), default=1) == 1
        assert {ref for _, ref, _, _ in heard} <= {"c:anna", *(f"s:{name}" for name in named(after))}
        before = after


def ref_of(about: Any) -> str:
    return {Order: "orders/117", Lead: "leads/9", Task: "tasks/t1"}[type(about)]


def named(about: Any) -> tuple[str, ...]:
    return StoredRecord(ref_of(about), 1, about, created_at=NOW, accepted_at=NOW).staff_ids
