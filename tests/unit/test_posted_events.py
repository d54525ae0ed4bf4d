"""Posted events: taken in whole or not at all, and told to each client once, for as long as they are of use."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.errors import Forbidden, Invalid
from carillon.domain.messages import Message
from carillon.domain.own_texts import OwnTexts
from carillon.domain.posted import PostedEvent, SlotData
from carillon.domain.rules import default_rules
from carillon.domain.settings import QuietHours
from carillon.domain.times import iso
from carillon.ports.delivery import Outcome
from tests.builders import NOW, ORG, client, organization
from tests.faults import Died, Failed, Line, lines
from tests.rig import Rig

SLOT = {"start": "2026-11-24T14:30:00", "service": "Knippen", "booking_url": "https://example.com/b/9"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def announce(rig: Rig, posted_id: str) -> int:
    return rig.announcer().follow(ORG, posted_id, ("anna", "bob"))


def told(rig: Rig) -> list[tuple[str, str | None, str, str | None]]:
    return sorted(((m.key.recipient, m.channel, m.status, m.reason) for m in rig.account.found(ORG)), key=str)


@pytest.mark.parametrize("kind", ["slot.available", "appointment.earlier_slot"])
def test_each_client_is_told_once_by_the_rule_of_the_row(rig: Rig, kind: str) -> None:
    posted = rig.post(kind, data=SLOT)
    for _ in range(2):
        assert announce(rig, posted.id) == 2
    rig.deliver("email")
    rig.deliver("email")
    assert told(rig) == [("c:anna", "email", "sent", None), ("c:bob", "email", "sent", None)]
    assert {message.template for message in rig.account.found(ORG)} == {kind}
    assert len(rig.provider.sent) == 2
    assert rig.account.undone == []


def test_two_posts_are_two_events(rig: Rig) -> None:
    for _ in range(2):
        announce(rig, rig.post().id)
    assert len(rig.account.found(ORG)) == 4


def test_a_client_named_twice_or_by_a_former_id_is_told_once(rig: Rig) -> None:
    rig.account.clients[ORG, "ann"] = rig.account.clients[ORG, "anna"]
    posted = rig.post(client_ids=["anna", "ann", "anna"])
    assert posted.client_ids == ["anna"]
    assert announce(rig, posted.id) == 1


def test_unknown_and_removed_clients_are_all_named_and_nothing_is_stored(rig: Rig) -> None:
    rig.account.clients[ORG, "gone"] = client("gone", removed=True)
    with pytest.raises(Invalid) as refused:
        rig.post(client_ids=["anna", "nobody", "gone"])
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/client_ids/1", "unknown_reference"),
        ("/client_ids/2", "unknown_reference"),
    ]
    assert rig.account.posted == {}


@pytest.mark.parametrize(
    ("stated", "pointer"),
    [
        ({"kind": "appointment.booked"}, "/type"),
        ({"kind": "custom."}, "/type"),
        ({"kind": "custom.No Such"}, "/type"),
        ({"data": {"start": "tomorrow"}}, "/data/start"),
        ({"data": {"start": 5}}, "/data/start"),
        ({"data": {"booking_url": "javascript:alert(1)"}}, "/data/booking_url"),
        ({"data": {"service": "x" * 501}}, "/data/service"),
    ],
)
def test_what_is_wrong_is_named(rig: Rig, stated: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        rig.post(**stated)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_it_is_refused_while_notifications_are_inactive(rig: Rig) -> None:
    rig.account.organizations[ORG] = organization(active=False)
    with pytest.raises(Forbidden) as refused:
        rig.post()
    assert refused.value.code == "notifications_inactive"


def test_what_was_posted_before_a_deactivation_is_not_sent(rig: Rig) -> None:
    posted = rig.post()
    rig.account.organizations[ORG] = organization(active=False)
    announce(rig, posted.id)
    assert {(status, why) for _, _, status, why in told(rig)} == {("suppressed", "notifications_inactive")}


def test_rules_and_consents_decide_and_who_gets_nothing_is_noted(rig: Rig) -> None:
    rig.account.clients[ORG, "anna"] = client("anna", opted_out=["email"])
    announce(rig, rig.post().id)
    assert told(rig) == [("c:anna", None, "suppressed", "opted_out"), ("c:bob", "email", "queued", None)]
    off = Rig()
    rules = [replace(rule, channels={}) if rule.event == "slot.available" else rule for rule in default_rules().rules]
    off.account.rules[ORG] = replace(default_rules(), rules=rules)
    announce(off, off.post().id)
    assert told(off) == []


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({}, timedelta(hours=24)),
        ({"occurred_at": iso(NOW - timedelta(hours=4))}, timedelta(hours=20)),
        ({"expires_at": iso(NOW + timedelta(hours=2))}, timedelta(hours=2)),
        ({"expires_at": iso(NOW + timedelta(days=3))}, timedelta(days=3)),
        ({"data": SlotData(start="2026-11-23T12:30:00")}, timedelta(hours=2, minutes=30)),
        (
            {"data": SlotData(start="2026-11-23T12:30:00+02:00"), "expires_at": "2026-11-25T09:00:00Z"},
            timedelta(hours=1.5),
        ),
    ],
)
def test_it_is_told_until_its_end_and_not_past_the_start_of_what_is_free(
    changes: dict[str, Any], until: timedelta
) -> None:
    posted = PostedEvent(**({"type": "slot.available", "client_ids": [], "accepted_at": iso(NOW)} | changes))
    assert posted.deadline("Europe/Amsterdam") == NOW + until


def test_one_whose_end_came_before_it_was_told_says_so(rig: Rig) -> None:
    late = rig.post(expires_at=iso(NOW - timedelta(minutes=1)))
    announce(rig, late.id)
    assert {(status, why) for _, _, status, why in told(rig)} == {("suppressed", "too_late")}
    waiting = Rig()
    announce(waiting, waiting.post(expires_at=iso(NOW + timedelta(hours=1))).id)
    waiting.clock.at += timedelta(hours=1)
    waiting.deliver("email")
    assert {(status, why) for _, _, status, why in told(waiting)} == {("expired", "too_late")}
    assert waiting.provider.sent == []


def test_quiet_hours_hold_it_unless_that_would_be_too_late() -> None:
    rig = Rig(quiet_hours=QuietHours(enabled=True, start="09:00", end="12:00"))
    rules = [
        replace(rule, channels={"sms": replace(rule.channels["sms"], enabled=True)})
        if rule.event == "slot.available"
        else rule
        for rule in default_rules().rules
    ]
    rig.account.rules[ORG] = replace(default_rules(), rules=rules)
    announce(rig, rig.post().id)
    assert {(m.channel, m.status, m.reason) for m in rig.account.found(ORG)} == {("sms", "queued", "quiet_hours")}
    assert {m.not_before for m in rig.account.found(ORG)} == {NOW + timedelta(hours=2)}
    late = Rig(quiet_hours=QuietHours(enabled=True, start="09:00", end="12:00"))
    late.account.rules[ORG] = replace(default_rules(), rules=rules)
    announce(late, late.post(expires_at=iso(NOW + timedelta(hours=1))).id)
    assert {(m.status, m.reason) for m in late.account.found(ORG)} == {("suppressed", "quiet_hours")}


def test_what_changed_meanwhile_counts_when_it_is_sent(rig: Rig) -> None:
    announce(rig, rig.post().id)
    rig.account.clients[ORG, "anna"] = client("anna", opted_out=["email"])
    rig.account.clients[ORG, "bob"] = client("bob", removed=True)
    rig.deliver("email")
    assert told(rig) == [
        ("c:anna", "email", "suppressed", "opted_out"),
        ("c:bob", "email", "suppressed", "no_address"),
    ]


def test_an_event_of_its_own_goes_where_a_text_of_that_name_is() -> None:
    rig = OwnTextRig("own.sale#client#sms#nl", "own.sale#client#telegram#pl", "own.sale#manager#email#nl")
    announce(rig, rig.post("custom.sale", client_ids=["anna"]).id)
    (message,) = rig.account.found(ORG)
    assert (message.channel, message.template, message.status) == ("sms", "own.sale", "queued")
    rig.deliver("sms")
    assert told(rig) == [("c:anna", "sms", "sent", None)]


def test_one_without_a_text_is_taken_in_and_says_that_nothing_goes(rig: Rig) -> None:
    announce(rig, rig.post("custom.sale", client_ids=["anna"]).id)
    (message,) = rig.account.found(ORG)
    assert (message.status, message.reason, message.template) == ("suppressed", "rule_disabled", "own.sale")


class OwnTextRig(Rig):
    """A rig whose organization has these own texts."""

    def __init__(self, *places: str) -> None:
        super().__init__()
        self.account.own_texts[ORG] = OwnTexts(dict.fromkeys(places, "1"))


def test_an_unknown_outcome_is_not_sent_again(rig: Rig) -> None:
    rig.provider.script = [Outcome("unknown", reason="provider_timeout")] * 2
    announce(rig, rig.post().id)
    for _ in range(3):
        rig.deliver("email")
    assert len(rig.provider.sent) == 2
    assert {status for _, _, status, _ in told(rig)} == {"unknown"}


def test_the_sweep_asks_for_those_that_were_left(rig: Rig) -> None:
    posted = rig.post()
    assert rig.announcer().again(ORG) == 1
    assert rig.queues.jobs == [{"kind": "announce", "o": ORG, "posted": posted.id}]
    rig.announcer().follow(ORG, posted.id)
    assert rig.announcer().again(ORG) == 0


def messages(rig: Rig) -> list[Message]:
    return rig.account.found(ORG)


def test_wherever_the_announcer_breaks_each_client_is_told_once() -> None:
    def story(line: Line) -> Rig:
        rig = Rig()
        posted = rig.post(data=SLOT)
        rig.line = line
        for _ in range(3):
            try:
                announce(rig, posted.id)
            except (Died, Failed):
                continue
            break
        return rig

    whole = Line()
    story(whole)
    assert whole.calls == ["read", "create", "create", "send_ready", "done"]
    for line in lines(len(whole.calls)):
        rig = story(line)
        rig.line = Line()
        assert rig.account.undone == [], line
        assert len(messages(rig)) == 2, line
        rig.deliver("email")
        rig.deliver("email")
        assert sorted(each.to for each in rig.provider.sent) == ["anna@example.com", "bob@example.com"], line
