"""Stating orders, leads and tasks: references, differences, stale and silent statements, lists, retention, batches."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon.adapters.phones import NumberPlans
from carillon.domain.clients import Consents
from carillon.domain.errors import Invalid, NotFound, Refused
from carillon.domain.record_documents import Contact
from carillon.domain.settings import Status
from carillon.ports.reading import Want
from carillon.services.leads import LeadInput, Leads
from carillon.services.moving import moved
from carillon.services.orders import OrderInput, Orders
from carillon.services.record_batches import Item, RecordBatches
from carillon.services.record_plans import kept_until, placed
from carillon.services.records import Put, RecordKeeping
from carillon.services.tasks import TaskInput, Tasks
from tests.builders import NOW, ORG, client, settings
from tests.business import Office
from tests.fakes import MemoryReader, MemoryRecords
from tests.faults import Died, Failed, Line, lines
from tests.rig import CALLER

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def faults(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def test_stating_the_same_again_changes_nothing() -> None:
    office = Office()
    for state in (office.order, office.lead, office.task):
        first = state()
        again = state(updated_at="2026-11-23T09:00:00Z", notify=False)
        assert (first.created, again.created, again.events, again.record.version) == (True, False, (), 1)


def test_an_older_statement_is_ignored() -> None:
    office = Office()
    office.order(updated_at="2026-11-23T09:00:00Z")
    done = office.order(updated_at="2026-11-23T08:00:00Z", status="ready")
    assert (done.stale, done.events, done.record.version) == (True, (), 1)


def test_a_silent_statement_is_stored() -> None:
    office = Office()
    done = office.order(notify=False)
    assert (done.events, office.stored("orders/117").events) == ((), ())


def test_all_that_is_wrong_is_said_at_once() -> None:
    office = Office()
    with pytest.raises(Invalid) as refused:
        office.order(client_id="nobody", executor_ids=["s1", "ghost"], manager_ids=["phantom"], id="118")
    assert faults(refused) == [
        ("/id", "invalid_value"),
        ("/client_id", "unknown_reference"),
        ("/executor_ids/1", "unknown_reference"),
        ("/manager_ids/0", "unknown_reference"),
    ]
    with pytest.raises(Invalid) as refused:
        office.task(author_id="ghost", assignee_ids=["s1", "phantom"], record="orders/118")
    assert faults(refused) == [
        ("/author_id", "unknown_reference"),
        ("/assignee_ids/1", "unknown_reference"),
        ("/record", "unknown_reference"),
    ]
    assert office.account.records == {}


def test_a_lead_is_of_a_client_or_of_a_contact() -> None:
    office = Office()
    someone = Contact(name="Kim")
    with pytest.raises(Invalid) as refused:
        office.lead(client_id="anna", contact=someone)
    assert faults(refused) == [("/contact", "invalid_value")]
    with pytest.raises(Invalid) as refused:
        office.lead(client_id=None)
    assert faults(refused) == [("/client_id", "missing_field")]


def test_a_contacts_phone_and_consents_are_checked() -> None:
    office = Office()
    with pytest.raises(Invalid) as refused:
        office.lead(contact=Contact(name="Kim", phone="12"))
    assert faults(refused)[0][0] == "/contact/phone"
    with pytest.raises(Invalid) as refused:
        office.lead(contact=Contact(name="Kim", consents=Consents(marketing={"email": True})))
    assert faults(refused) == [("/contact/consents/wording", "missing_field")]


def test_a_lead_may_become_a_clients() -> None:
    office = Office()
    office.lead(contact=Contact(name="Kim"))
    done = office.lead(client_id="anna", contact=None)
    assert (done.events, done.record.client_id, done.record.contact) == ((), "anna", None)


def test_a_task_is_about_a_record_that_is_there_when_it_is_named() -> None:
    office = Office()
    office.order()
    office.task(record="orders/117")
    Orders(**office.parts()).delete(ORG, "117")
    assert office.task(record="orders/117", title="Call again").record.version == 2
    with pytest.raises(Invalid):
        office.task("t2", record="orders/117")


def test_who_left_may_stay_on_a_record_and_not_join_it() -> None:
    office = Office()
    office.order(executor_ids=["s1"])
    office.account.staff.pop((ORG, "s1"))
    assert office.order(executor_ids=["s1"], status="ready").record.version == 2
    with pytest.raises(Invalid):
        office.order("118", executor_ids=["s1"])


def test_deleting_and_reading_know_each_collection_by_its_name() -> None:
    office = Office()
    office.task(due="2026-11-23T17:00:00")
    office.tasks().delete(ORG, "t1")
    gone = office.stored("tasks/t1")
    assert (gone.deleted, [entry.state for entry in gone.plan]) == (True, ["cancelled"])
    with pytest.raises(NotFound, match="no task 't1'"):
        office.tasks().get(ORG, "t1")


def test_what_changed_lately_is_listed_by_its_day_and_a_task_where_it_is_due() -> None:
    office = Office()
    office.order()
    office.task(due="2026-12-01T12:00:00")
    office.task("t2")
    assert office.stored("orders/117").start == DAY
    assert office.stored("tasks/t1").start == datetime(2026, 12, 1, 11, tzinfo=UTC)
    office.clock.advance(days=2)
    office.order(status="ready")
    assert office.stored("orders/117").start == DAY + timedelta(days=2)
    assert placed(office.stored("tasks/t2"), settings()) == DAY
    listed = office.tasks().page(ORG, limit=10, position=None, since=None).items
    assert [record.ref for record in listed] == ["tasks/t2", "tasks/t1"]
    today = Orders(**office.parts()).page(ORG, limit=10, position=None, since=office.clock.at).items
    assert [record.ref for record in today] == ["orders/117"]


def test_a_second_change_of_a_day_leaves_the_record_where_it_stands() -> None:
    office = Office()
    office.order()
    first = office.stored("orders/117").start
    office.clock.advance(hours=5)
    office.order(status="ready")
    assert office.stored("orders/117").start == first


def test_what_is_open_never_expires_and_what_is_final_does_after_its_last_change() -> None:
    ends = settings(order_statuses=[Status(key="closed", final=True)], retention_days=30)
    office = Office(order_statuses=ends.order_statuses, retention_days=30)
    later = NOW + timedelta(days=100)
    assert kept_until(office.order().record, ends, later) is None
    assert kept_until(office.task().record, ends, later) is None
    office.clock.at = later
    expires = later + timedelta(days=30)
    assert kept_until(office.order(status="closed").record, ends, later) == expires
    assert kept_until(office.task(status="done").record, ends, later) == expires
    assert kept_until(office.lead(final=True).record, ends, later) == expires
    assert kept_until(office.order(status="new").record, ends, later) is None


def test_a_merged_clients_orders_and_leads_follow_it() -> None:
    office = Office()
    done = office.order()
    change = moved(done.record, client("bob"), settings(), NOW, active=True)
    assert (change.record.client_id, change.record.former, change.record.version) == ("bob", ("anna",), 2)
    assert change.start == DAY
    office.account.clients[ORG, "anna"] = office.account.clients[ORG, "bob"] = client("bob", merged=["anna"])
    again = office.order(client_id="anna")
    assert (again.events, again.record.client_id, again.record.version) == ((), "bob", 1)


class CountingReader(MemoryReader):
    calls = 0

    def read(self, wants: Sequence[Want]) -> Any:
        self.calls += 1
        return super().read(wants)


def batch(office: Office, *items: Any) -> tuple[list[Any], int]:
    reader = CountingReader(office.account)
    parts = office.parts() | {"reader": reader}
    every: dict[str, RecordKeeping[Any]] = {"orders": Orders(**parts), "tasks": type(office.tasks())(**parts)}
    return RecordBatches(every, reader).put(CALLER, items), reader.calls


def order(order_id: str, **changes: Any) -> Item:
    return Item("orders", order_id, OrderInput(**({"client_id": "anna", "number": "1", "status": "new"} | changes)))


def task(task_id: str, **changes: Any) -> Item:
    basis: dict[str, Any] = {"title": "Call", "author_id": "s1", "status": "open"}
    return Item("tasks", task_id, TaskInput(**(basis | changes)))


def test_a_batch_reads_once_and_answers_each_item_as_its_own_put_would() -> None:
    office = Office()
    refused = Invalid([])
    done, reads = batch(office, order("1"), refused, order("2"), task("t1"))
    assert [each.created if isinstance(each, Put) else each for each in done] == [True, refused, True, True]
    assert reads == 1
    again, _ = batch(office, order("1"), order("2", status="ready"))
    assert [(each.created, [event.type for event in each.events]) for each in again] == [
        (False, []),
        (False, ["order.status_changed"]),
    ]


def test_a_faulty_item_keeps_none_of_the_others_from_being_done() -> None:
    office = Office()
    done, _ = batch(office, order("1", client_id="nobody"), order("2"))
    assert isinstance(done[0], Refused)
    assert [fault.pointer for fault in done[0].faults] == ["/client_id"]
    assert set(office.account.records) == {(ORG, "orders/2")}


def test_a_record_that_stands_twice_goes_through_its_states_in_order() -> None:
    office = Office()
    at = [f"2026-11-23T08:0{minute}:00Z" for minute in range(3)]
    states = zip(("new", "in_work", "ready"), at, strict=True)
    done, reads = batch(office, *(order("1", status=status, updated_at=when) for status, when in states))
    assert [[event.status for event in each.events] for each in done] == [["new"], ["in_work"], ["ready"]]
    assert office.stored("orders/1").version == 3
    assert reads == 3


@pytest.mark.parametrize("second", [None, "2026-11-23T08:00:00Z", "2026-11-23T07:59:00Z"])
def test_a_record_that_stands_twice_without_an_order_is_refused_the_second_time(second: str | None) -> None:
    office = Office()
    first = order("1", updated_at="2026-11-23T08:00:00Z")
    done, _ = batch(
        office, first, order("1", status="ready", updated_at=second), order("2"), order("2", status="ready")
    )
    assert [each.code if isinstance(each, Refused) else each.created for each in done] == [
        True,
        "duplicate_key",
        True,
        "duplicate_key",
    ]
    assert office.stored("orders/1").version == 1


def test_an_item_may_name_what_an_earlier_one_made() -> None:
    office = Office()
    done, _ = batch(office, order("1"), task("t1", record="orders/1"))
    assert [each.created for each in done] == [True, True]


def broken(line: Line) -> Office:
    """State an order, a lead and a task twice, and a batch, with the line broken; whoever has no answer repeats."""
    office = Office()
    parts = office.parts() | {
        "reader": line.watch(MemoryReader(office.account)),
        "records": line.watch(MemoryRecords(office.account)),
    }
    every: dict[str, RecordKeeping[Any]] = {"orders": Orders(**parts), "tasks": Tasks(**parts)}
    leads = Leads(**parts, phones=NumberPlans())
    at = ("2026-11-23T08:00:00Z", "2026-11-23T08:01:00Z")
    twice = [order("2", updated_at=at[0]), task("t1"), order("2", status="ready", updated_at=at[1])]
    steps: list[Callable[[], object]] = [
        lambda: every["orders"].put(CALLER, "1", order("1").stated),
        lambda: every["orders"].put(CALLER, "1", order("1", status="ready", executor_ids=["s1"]).stated),
        lambda: leads.put(CALLER, "9", LeadInput(contact=Contact(name="Kim"), status="new")),
        lambda: RecordBatches(every, parts["reader"]).put(CALLER, twice),
    ]
    for step in steps:
        for _ in range(3):
            try:
                step()
            except (Died, Failed):
                continue
            break
    return office


def test_whatever_dies_while_it_is_stated_each_change_is_one_event() -> None:
    whole = Line()
    expected = happened(broken(whole))
    assert expected["orders/2"] == [("order.created", 1), ("order.status_changed", 2)]
    for line in lines(len(whole.calls)):
        assert happened(broken(line)) == expected, line


def happened(office: Office) -> dict[str, list[tuple[str, int]]]:
    return {
        ref: [(event.type, event.version) for event in record.events]
        for (_, ref), record in sorted(office.account.records.items())
    }
