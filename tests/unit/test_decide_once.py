"""Nobody is told twice, or of what he did himself."""

from dataclasses import replace

from carillon.domain.decide import Told, decide_event
from carillon.domain.record_documents import Actor
from carillon.domain.rules import default_rules
from carillon.domain.settings import Notified
from tests.builders import (
    client,
    event,
    settings,
    staff,
)
from tests.verdicts import everybody, refusals, rule, ruled, sends

BOOKED = "appointment.booked.console"


def test_nobody_is_told_of_what_he_did_himself() -> None:
    acted = event(actor=Actor(type="staff", id="s1"))
    verdicts = decide_event(acted, everybody())
    assert ("s:s1", "email", "recipient_is_actor") in refusals(verdicts)
    assert [item[1] for item in sends(verdicts) if item[0] == "collaborator"] == ["s:s2"]


def test_a_manager_is_not_told_of_his_own_act_either() -> None:
    verdicts = decide_event(event(actor=Actor(type="staff", id="m1")), everybody())
    assert ("s:m1", "email", "recipient_is_actor") in refusals(verdicts)


def test_include_actor_tells_him_too() -> None:
    rules = ruled(*(replace(one, include_actor=one.audience == "collaborator") for one in default_rules().rules))
    verdicts = decide_event(event(actor=Actor(type="staff", id="s1")), everybody(rules=rules))
    assert ("collaborator", "s:s1", "email", "s1@example.com") in sends(verdicts)


def test_a_client_is_told_of_his_own_acts() -> None:
    verdicts = decide_event(event("appointment.cancelled", actor=Actor(type="client", id="anna")), everybody())
    assert ("client", "c:anna", "email", "anna@example.com") in sends(verdicts)


def test_a_client_whose_id_is_the_actors_is_not_taken_for_the_member_of_staff() -> None:
    verdicts = decide_event(event(actor=Actor(type="staff", id="anna")), everybody())
    assert ("client", "c:anna", "email", "anna@example.com") in sends(verdicts)


def test_equal_addresses_are_told_once_as_the_most_specific_audience() -> None:
    shared = staff("s1", email="boss@example.com", roles=["collaborator", "manager", "owner"])
    of = everybody(
        staff={"s1": shared},
        settings=settings(manager=Notified(email="boss@example.com"), owner=Notified(email="boss@example.com")),
    )
    verdicts = decide_event(event(), of)
    assert [item for item in sends(verdicts) if item[0] != "client"] == [
        ("collaborator", "s:s1", "email", "boss@example.com")
    ]
    assert [reason for _, _, reason in refusals(verdicts)] == ["duplicate"] * 4


def test_who_is_refused_as_collaborator_may_still_be_told_as_manager() -> None:
    shared = staff("s1", email="boss@example.com", opted_out=["email"])
    of = everybody(staff={"s1": shared}, settings=settings(manager=Notified(email="boss@example.com")))
    assert ("manager", "r:manager#2026-11-23", "email", "boss@example.com") in sends(decide_event(event(), of))


def test_an_address_is_the_same_in_whatever_case_it_is_written() -> None:
    of = everybody(
        staff={"s1": staff("s1", email="Boss@Example.com")},
        settings=settings(manager=Notified(email="boss@example.com")),
    )
    assert ("r:manager#2026-11-23", "email", "duplicate") in refusals(decide_event(event(), of))


def test_of_one_change_with_several_events_nobody_of_the_business_is_told_twice() -> None:
    boss = staff("s2", roles=["collaborator", "manager"])
    of = everybody(staff={"s1": staff("s1"), "s2": boss}, settings=settings())
    told: Told = set()
    added = decide_event(event("appointment.booked", audiences=["collaborator"], staff=["s2"]), of, told)
    changed = decide_event(event("appointment.changed", staff=["s1"]), of, told)
    assert [item[:2] for item in sends(added)] == [("collaborator", "s:s2")]
    assert [item[:2] for item in sends(changed)] == [("client", "c:anna"), ("collaborator", "s:s1")]
    assert ("s:s2", "email", "duplicate") in refusals(changed)


def test_two_clients_with_one_address_are_each_told_what_became_of_the_appointment() -> None:
    told: Told = set()
    for kind, whose in (("appointment.cancelled", "anna"), ("appointment.booked", "bob")):
        one = client(whose, email="anna@example.com")
        verdicts = decide_event(event(kind, audiences=["client"]), everybody(client=one), told)
        assert [item[0] for item in sends(verdicts)] == ["client"]


def test_equal_addresses_on_different_channels_are_no_duplicates() -> None:
    rules = ruled(rule(BOOKED, "collaborator", "email"), rule(BOOKED, "manager", "email", "sms"))
    boss = staff("s1", roles=["collaborator", "manager"])
    found = sends(decide_event(event(), everybody(rules=rules, staff={"s1": boss}, settings=settings())))
    assert [(item[0], item[2]) for item in found] == [("collaborator", "email"), ("manager", "sms")]
