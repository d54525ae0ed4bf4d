"""Who is told of orders, leads and tasks: rules bound to a status, assignment, the end, contacts, each channel."""

from typing import Any

import pytest

from carillon.domain.clients import Consents
from carillon.domain.explaining import explain_event
from carillon.domain.reach import Refused
from carillon.domain.recheck import recheck
from carillon.domain.recipients import Marks, contact_ref
from carillon.domain.record_documents import Actor, Contact
from carillon.domain.records import Event
from carillon.domain.rules import RulesInForce
from carillon.domain.settings import QuietHours, Status
from carillon.domain.times import iso
from tests.builders import NOW, ORG, facts, organization, staff
from tests.business import Office, on

CHANGED = "order.status_changed"


def contact(**changes: Any) -> Contact:
    basis: dict[str, Any] = {
        "name": "Kim Vos",
        "phone": "0612345678",
        "email": "kim@example.com",
        "consents": Consents(service={"email": True, "sms": True}),
    }
    return Contact(**(basis | changes))


def test_a_client_is_told_when_the_order_is_ready_and_of_no_other_status() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email", status="ready"))
    for status in ("new", "in_work", "ready", "in_work"):
        office.order(status=status)
        office.plan("orders/117")
    assert office.heard() == [("c:anna", CHANGED, "email")]


def test_several_statuses_have_rules_of_their_own_and_each_channel_its_text() -> None:
    office = Office()
    texts = {"sms": "own.ready", "email": "own.ready_mail"}
    office.tell(
        on(CHANGED, "client", "email", "sms", status="ready", templates=texts),
        on(CHANGED, "executor", "whatsapp", status="in_work"),
    )
    office.connections.templates = frozenset({(CHANGED, "executor", "nl")})
    office.order(executor_ids=["s1"])
    office.order(executor_ids=["s1"], status="in_work")
    office.plan("orders/117")
    assert office.heard() == [("s:s1", CHANGED, "whatsapp")]
    office.order(executor_ids=["s1"], status="ready")
    office.plan("orders/117")
    assert office.heard() == [("c:anna", "own.ready", "sms"), ("c:anna", "own.ready_mail", "email")]


def test_the_rule_of_a_status_stands_in_for_the_general_one() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email"), on(CHANGED, "client", "sms", status="ready"))
    office.order()
    office.order(status="ready")
    office.plan("orders/117")
    assert office.heard() == [("c:anna", CHANGED, "sms")]
    office.order(status="in_work")
    office.plan("orders/117")
    assert office.heard() == [("c:anna", CHANGED, "email")]


@pytest.mark.parametrize("order", [{"status": "ready", "final": True}, {"status": "closed"}])
def test_of_an_end_that_a_rule_of_its_status_tells_only_that_is_sent(order: dict[str, Any]) -> None:
    office = Office(order_statuses=[Status(key="closed", final=True)])
    bound = on(CHANGED, "client", "email", status=order["status"])
    office.tell(bound, on("order.completed", "client", "email", "sms"), on("order.completed", "executor", "email"))
    office.order(executor_ids=["s1"])
    done = office.order(executor_ids=["s1"], **order)
    assert [event.type for event in done.events] == ["order.completed", CHANGED]
    office.plan("orders/117")
    assert office.heard() == [("c:anna", CHANGED, "email"), ("s:s1", "order.completed", "email")]


def test_an_end_without_a_change_of_status_is_told_whatever_rules_the_status_has() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email", status="ready"), on("order.completed", "client", "email"))
    office.order(status="ready")
    office.plan("orders/117")
    office.heard()
    office.order(status="ready", final=True)
    office.plan("orders/117")
    assert office.heard() == [("c:anna", "order.completed", "email")]


def test_the_end_weighs_more_than_the_general_rule_of_the_status() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email", "sms"), on("order.completed", "client", "email"))
    office.order()
    office.order(status="done", final=True)
    office.plan("orders/117")
    assert office.heard() == [("c:anna", "order.completed", "email")]


def test_only_who_joins_is_told_that_he_was_assigned() -> None:
    office = Office()
    office.tell_all()
    office.order(executor_ids=["s1"], notify=False)
    office.order(executor_ids=["s1", "s2"], status="in_work")
    office.plan("orders/117")
    assert office.heard() == [
        ("c:anna", CHANGED, "email"),
        ("s:s1", CHANGED, "email"),
        ("s:s2", "order.assigned", "email"),
    ]


def test_who_is_on_it_from_the_start_is_told_that_it_is_new() -> None:
    office = Office()
    office.tell_all()
    office.order(executor_ids=["s1"], manager_ids=["s2"])
    office.task(assignee_ids=["s2"])
    office.lead(manager_ids=["s1"])
    for ref in ("orders/117", "tasks/t1", "leads/9"):
        office.plan(ref)
    assert office.heard() == [
        ("c:anna", "lead.created", "email"),
        ("c:anna", "order.created", "email"),
        ("s:s1", "lead.created", "email"),
        ("s:s1", "order.created", "email"),
        ("s:s2", "order.created", "email"),
        ("s:s2", "task.created", "email"),
    ]


def test_nobody_is_told_of_what_he_did_himself_unless_the_rule_says_so() -> None:
    office = Office()
    office.tell(on("task.completed", "author", "email"), on("task.created", "assignee", "email", include_actor=True))
    office.task(assignee_ids=["s1"], actor=Actor(type="staff", id="s1"))
    office.task(assignee_ids=["s1"], status="done", actor=Actor(type="staff", id="s1"))
    office.plan("tasks/t1")
    told = {(m.template, m.status, m.reason) for m in office.account.found(ORG)}
    assert told == {("task.created", "queued", None), ("task.completed", "suppressed", "recipient_is_actor")}


def test_one_person_in_two_parts_and_two_people_with_one_address_are_told_once() -> None:
    office = Office()
    office.account.staff[ORG, "s2"] = staff("s2", email="S1@example.com")
    office.tell_all()
    office.order(executor_ids=["s1"], manager_ids=["s1", "s2"])
    office.plan("orders/117")
    assert office.heard() == [("c:anna", "order.created", "email"), ("s:s1", "order.created", "email")]


def test_a_newer_status_supersedes_the_older_one_that_still_waits() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email"))
    office.order()
    for status in ("in_work", "ready"):
        office.order(status=status)
        office.plan("orders/117")
    states = [(m.occasion.status, m.status, m.reason) for m in office.account.found(ORG)]
    assert states == [("in_work", "suppressed", "superseded"), ("ready", "queued", None)]


def test_a_status_that_nobody_is_told_of_makes_the_waiting_one_untrue_all_the_same() -> None:
    office = Office()
    office.tell(on(CHANGED, "client", "email", status="ready"))
    office.order()
    office.order(status="ready")
    office.plan("orders/117")
    office.order(status="in_work", notify=False)
    office.deliver()
    assert office.told() == [("email", CHANGED, "suppressed", "superseded")]
    assert office.provider.sent == []


@pytest.mark.parametrize(
    ("key", "audience", "before", "after"),
    [
        ("order.assigned", "executor", {"executor_ids": ["s1"]}, {"executor_ids": []}),
        ("order.completed", "client", {"final": True}, {"final": False}),
        ("order.completed", "client", {"final": True}, {"final": True, "client_id": "bob"}),
    ],
)
def test_a_message_that_is_untrue_by_now_is_not_sent(key: str, audience: Any, before: Any, after: Any) -> None:
    office = Office()
    office.tell(on(key, audience, "email"))
    office.order()
    office.order(**before)
    office.plan("orders/117")
    office.order(**after, notify=False)
    office.deliver()
    assert [(m.status, m.reason) for m in office.account.found(ORG)] == [("suppressed", "superseded")]


def test_a_message_about_an_order_is_of_no_use_after_a_day() -> None:
    office = Office()
    office.tell_all()
    office.order()
    office.plan("orders/117")
    office.clock.advance(hours=24)
    office.deliver()
    assert office.told() == [("email", "order.created", "expired", "too_late")]


def test_a_leads_contact_is_told_with_its_own_consents_and_in_its_language() -> None:
    office = Office()
    office.tell_all("email", "sms", "whatsapp")
    office.connections.templates = frozenset({("lead.created", "client", "pl")})
    done = office.lead(contact=contact(locale="pl"))
    stored = done.record.contact
    assert stored is not None
    assert stored.phone == "+31612345678"
    office.plan("leads/9")
    ref = contact_ref(stored)
    assert ref.startswith("t:")
    assert "612345678" not in ref
    assert office.heard() == [(ref, "lead.created", "email"), (ref, "lead.created", "sms")]


@pytest.mark.parametrize(
    ("marks", "channels"),
    [
        (Marks(), ["email", "sms"]),
        (Marks(opted_out=("sms",)), ["email"]),
        (Marks(refused=(Refused(channel="email", reason="address_bounced", address="kim@example.com"),)), ["sms"]),
    ],
)
def test_what_is_known_of_a_contacts_addresses_binds_when_deciding_and_when_sending(
    marks: Marks, channels: list[str]
) -> None:
    office = Office()
    office.tell_all("email", "sms")
    office.lead(contact=contact())
    office.plan("leads/9")
    queued = office.account.found(ORG, "queued")
    record = office.stored("leads/9")
    kept = [
        m.channel
        for m in queued
        if recheck(m, facts(record=record, client=None, marks=marks), m.created_at).status is None
    ]
    assert kept == channels
    office.account.messages.clear()
    office.marks.known = marks
    office.lead("10", contact=contact())
    office.plan("leads/10")
    assert [channel for _, _, channel in office.heard()] == channels


def test_records_without_a_contact_ask_nothing_of_addresses() -> None:
    office = Office()
    office.tell_all()
    office.lead()
    office.order()
    office.plan("leads/9")
    office.plan("orders/117")
    assert office.marks.asked == []


def test_a_contact_that_became_somebody_else_is_not_told() -> None:
    office = Office()
    office.tell_all()
    office.lead(contact=contact())
    office.plan("leads/9")
    (message,) = office.account.found(ORG, "queued")
    office.lead(contact=contact(phone="0687654321", name="Lee"), notify=False)
    now_is = facts(record=office.stored("leads/9"), client=None)
    assert recheck(message, now_is, message.created_at).reason == "superseded"


def test_quiet_hours_spare_clients_and_contacts_and_not_the_staff() -> None:
    office = Office(quiet_hours=QuietHours(enabled=True, start="21:00", end="08:00"))
    office.tell_all("sms")
    office.clock.advance(hours=14)
    office.order(executor_ids=["s1"])
    office.plan("orders/117")
    waits = {m.key.recipient: m.not_before is not None for m in office.account.found(ORG)}
    assert waits == {"c:anna": True, "s:s1": False}


def test_while_inactive_nothing_is_told_of_any_record() -> None:
    office = Office()
    office.tell_all()
    office.account.organizations[ORG] = organization(active=False)
    done = [office.order(executor_ids=["s1"]), office.lead(), office.task()]
    assert [each.events for each in done] == [(), (), ()]


def test_explain_says_of_an_order_what_would_happen_and_by_which_rule() -> None:
    office = Office()
    bound = on(CHANGED, "client", "sms", status="ready")
    office.tell(bound, on("order.completed", "client", "email"), on(CHANGED, "executor", "email"))
    record = office.order(status="ready", executor_ids=["s1"]).record
    known = facts(
        record=record,
        rules=RulesInForce(office.account.rules[ORG], "organization"),
        staff={"s1": staff("s1")},
    )

    def explained(kind: str, audience: str) -> dict[str, tuple[bool, str | None, str | None]]:
        event = Event(type=kind, version=1, at=iso(NOW), actor=Actor(), status="ready")
        found = explain_event(event, known)
        of = [item for item in found if item.decision.recipient.audience == audience]
        return {item.decision.channel: (item.would_send, item.decision.reason, item.rule) for item in of}

    changed = explained(CHANGED, "client")
    assert changed["sms"] == (True, None, bound.id)
    assert changed["email"] == (False, "rule_disabled", bound.id)
    assert explained(CHANGED, "executor")["email"] == (True, None, f"{CHANGED}.executor")
    assert explained("order.completed", "client")["email"] == (False, "duplicate", "order.completed.client")
