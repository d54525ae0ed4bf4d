"""Who is told of an event: rules, audiences, channels, and the reasons against."""

from dataclasses import replace
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.clients import ConsentState
from carillon.domain.decide import decide_event
from carillon.domain.record_documents import Actor
from carillon.domain.rules import RuleChannel, RuleWhen
from tests.builders import (
    ALL_SERVICE,
    appointment,
    approved,
    client,
    event,
    facts,
    organization,
    record,
    settings,
    staff,
)
from tests.verdicts import everybody, refusals, rule, ruled, sends

BOOKED = "appointment.booked.console"


def test_by_default_everybody_of_the_row_gets_an_e_mail() -> None:
    assert sends(decide_event(event(), everybody())) == [
        ("client", "c:anna", "email", "anna@example.com"),
        ("collaborator", "s:s1", "email", "s1@example.com"),
        ("collaborator", "s:s2", "email", "s2@example.com"),
        ("manager", "s:m1", "email", "m1@example.com"),
        ("manager", "r:manager#2026-11-23", "email", "manager@example.com"),
        ("owner", "s:o1", "email", "o1@example.com"),
        ("owner", "r:owner#2026-11-23", "email", "owner@example.com"),
    ]


@pytest.mark.parametrize(
    ("kind", "source", "actor", "template"),
    [
        ("appointment.booked", "widget", "client", "appointment.booked.widget"),
        ("appointment.booked", "console", "staff", "appointment.booked.console"),
        ("appointment.booked", "api", "system", "appointment.booked.console"),
        ("appointment.changed", "widget", "client", "appointment.changed.client"),
        ("appointment.changed", "widget", "staff", "appointment.changed.console"),
        ("appointment.cancelled", "api", "system", "appointment.cancelled.console"),
        ("appointment.cancelled", "console", "client", "appointment.cancelled.client"),
    ],
)
def test_where_it_was_made_and_who_did_it_choose_the_text(kind: str, source: str, actor: Any, template: str) -> None:
    of = facts(record=record(appointment(source=source)))
    verdicts = decide_event(event(kind, actor=Actor(type=actor)), of)
    assert [verdict.template for verdict in verdicts] == [template]


def test_an_event_without_a_row_tells_nobody() -> None:
    assert decide_event(event("appointment.exploded"), everybody()) == []


def test_a_rule_sends_on_every_channel_that_it_enables() -> None:
    of = facts(rules=ruled(rule(BOOKED, "client", "email", "sms", "whatsapp")), whatsapp_templates=approved(BOOKED))
    assert sends(decide_event(event(), of)) == [
        ("client", "c:anna", "email", "anna@example.com"),
        ("client", "c:anna", "sms", "+31612345678"),
        ("client", "c:anna", "whatsapp", "+31612345678"),
    ]


def test_a_rule_without_channels_says_nothing_at_all() -> None:
    assert decide_event(event(), facts(rules=ruled(rule(BOOKED, "client")))) == []


def test_push_goes_beside_the_others_and_is_never_taken_from_a_rule() -> None:
    of = facts(rules=ruled(rule(BOOKED, "client", "push", "email")), connected=frozenset({"push", "email"}))
    assert [item[2] for item in sends(decide_event(event(), of))] == ["email"]


def test_a_rule_bound_to_a_status_is_not_the_rule_of_its_row() -> None:
    bound = rule(BOOKED, "client", "email", when=RuleWhen(status="ready"))
    assert decide_event(event(), facts(rules=ruled(bound))) == []


def test_a_rule_may_name_another_template() -> None:
    own = replace(rule(BOOKED, "client"), channels={"email": RuleChannel(enabled=True, template="own.welcome")})
    (verdict,) = decide_event(event(), facts(rules=ruled(own)))
    assert verdict.send[0].template == "own.welcome"
    assert verdict.template == BOOKED


NO_CONSENT = client(consents=ConsentState())


@pytest.mark.parametrize(
    ("changes", "reason", "level"),
    [
        ({"organization": organization(active=False)}, "notifications_inactive", "account"),
        ({"organization": organization(suspended=True)}, "notifications_inactive", "account"),
        ({"organization": organization(deleted=True)}, "notifications_inactive", "account"),
        ({"connected": frozenset({"sms"})}, "channel_not_connected", "account"),
        ({"client": NO_CONSENT}, "consent_missing", "client"),
        ({"client": client(consents=ConsentState(service={"email": False}))}, "consent_missing", "client"),
        ({"client": client(consents=ConsentState(marketing={"email": True}))}, "consent_missing", "client"),
        ({"client": client(opted_out=["email"])}, "opted_out", "client"),
        ({"client": client(email=None)}, "no_address", "client"),
    ],
)
def test_each_obstacle_has_its_reason_and_its_level(changes: dict[str, Any], reason: str, level: str) -> None:
    (verdict,) = decide_event(event(), facts(**changes))
    assert verdict.send == ()
    assert [(item.reason, item.level) for item in verdict.refused] == [(reason, level)]


def test_the_first_obstacle_is_named_in_a_fixed_order() -> None:
    everything_wrong = {
        "organization": organization(active=False),
        "connected": frozenset[Channel](),
        "client": client(consents=ConsentState(), opted_out=["whatsapp"], phone=None),
        "whatsapp_templates": frozenset[tuple[str, str, str]](),
        "rules": ruled(rule(BOOKED, "client", "whatsapp")),
    }
    better: dict[str, Any] = {
        "organization": organization(),
        "connected": frozenset({"whatsapp"}),
        "client": client(consents=ConsentState(service=ALL_SERVICE), opted_out=["whatsapp"], phone=None),
    }
    reasons = []
    state: dict[str, Any] = dict(everything_wrong)
    for repair in (
        {},
        {"organization": better["organization"]},
        {"connected": better["connected"]},
        {"client": better["client"]},
        {"client": client(phone=None)},
        {"client": client()},
        {"whatsapp_templates": approved(BOOKED)},
    ):
        state |= repair
        (verdict,) = decide_event(event(), facts(**state))
        reasons.append(verdict.refused[0].reason if verdict.refused else None)
    assert reasons == [
        "notifications_inactive",
        "channel_not_connected",
        "consent_missing",
        "opted_out",
        "no_address",
        "whatsapp_template_missing",
        None,
    ]


def test_staff_need_no_consent_but_can_opt_out() -> None:
    of = everybody(staff={"s1": staff("s1", opted_out=["email"]), "s2": staff("s2")}, settings=settings())
    verdicts = decide_event(event(), of)
    assert ("s:s1", "email", "opted_out") in refusals(verdicts)
    assert ("collaborator", "s:s2", "email", "s2@example.com") in sends(verdicts)


def test_inactive_and_unknown_staff_are_not_told() -> None:
    of = everybody(staff={"s1": staff("s1", active=False)}, settings=settings())
    assert [item[1] for item in sends(decide_event(event(), of))] == ["c:anna"]


def test_an_event_for_some_audiences_tells_only_them() -> None:
    verdicts = decide_event(event(audiences=["collaborator"], staff=["s2"]), everybody())
    assert [item[1] for item in sends(verdicts)] == ["s:s2"]


def test_an_event_for_no_collaborator_tells_none_of_the_records() -> None:
    verdicts = decide_event(event(staff=[]), everybody())
    assert not any(item[0] == "collaborator" for item in sends(verdicts))


def test_a_collaborator_who_was_removed_is_told_although_the_record_does_not_name_him() -> None:
    of = everybody(record=record(appointment(staff_ids=["s1"])))
    verdicts = decide_event(event("appointment.cancelled", audiences=["collaborator"], staff=["s2"]), of)
    assert [item[1] for item in sends(verdicts)] == ["s:s2"]


def test_without_a_client_the_others_are_told() -> None:
    assert "c:anna" not in [item[1] for item in sends(decide_event(event(), everybody(client=None)))]
    assert "s:s1" in [item[1] for item in sends(decide_event(event(), everybody(client=None)))]


def test_the_role_addresses_are_kept_by_day() -> None:
    later = event(at="2026-12-31T23:59:59Z")
    refs = [item[1] for item in sends(decide_event(later, everybody())) if item[1].startswith("r:")]
    assert refs == ["r:manager#2026-12-31", "r:owner#2026-12-31"]


def test_the_language_is_the_recipients_else_the_organizations() -> None:
    of = everybody(client=client(locale="pl"), staff={"s1": staff("s1", locale="fr"), "s2": staff("s2")})
    locales = {verdict.recipient.ref: verdict.recipient.locale for verdict in decide_event(event(), of)}
    assert (locales["c:anna"], locales["s:s1"], locales["s:s2"]) == ("pl", "fr", "nl")


def test_a_client_whose_reminder_after_completion_is_on_is_not_thanked_twice() -> None:
    done = record(appointment(status="completed"))
    thanks = ruled(rule("appointment.completed", "client", "email"))
    enrolled = facts(record=done, rules=thanks)
    assert refusals(decide_event(event("appointment.completed"), enrolled)) == [("c:anna", "email", "duplicate")]
    left = facts(record=done, rules=thanks, client=client(enrolled=False))
    assert [item[:1] for item in sends(decide_event(event("appointment.completed"), left))] == [("client",)]
