"""Push goes beside the channels that rules and reminders list: who gets it, and that nobody is refused it."""

from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, ConsentState
from carillon.domain.decide import decide_event, decide_reminder
from carillon.domain.decisions import Facts
from carillon.domain.messages import Occasion
from carillon.domain.reach import Device, Reach
from carillon.domain.record_documents import Actor
from carillon.domain.settings import Notified
from carillon.ports.delivery import Outcome
from carillon.services.making import MessageMaker
from tests.builders import (
    CONNECTED,
    NOW,
    ORG,
    REF,
    START,
    appointment,
    approved,
    client,
    event,
    facts,
    organization,
    record,
    reminder,
    settings,
    staff,
)
from tests.doubles import CountingIds
from tests.rig import Rig
from tests.verdicts import refusals, rule, ruled, sends

BOOKED = "appointment.booked.console"
PUSH: frozenset[Channel] = CONNECTED | {"push"}
PHONE = Reach(devices=[Device(id="phone", platform="fcm", endpoint="arn:aws:sns:eu-central-1:1:endpoint/GCM/a/1")])


def with_phone(**changes: Any) -> Client:
    return client(reach=PHONE, **changes)


def of(**changes: Any) -> Facts:
    return facts(**({"connected": PUSH, "client": with_phone()} | changes))


def test_an_event_goes_to_the_device_beside_the_channels_of_its_rule() -> None:
    verdicts = decide_event(event(), of(rules=ruled(rule(BOOKED, "client", "email"))))
    assert sends(verdicts) == [
        ("client", "c:anna", "email", "anna@example.com"),
        ("client", "c:anna", "push", "phone"),
    ]


def test_an_event_goes_to_the_device_although_its_rule_is_off() -> None:
    verdicts = decide_event(event(), of(rules=ruled(rule(BOOKED, "client"))))
    assert (sends(verdicts), refusals(verdicts)) == ([("client", "c:anna", "push", "phone")], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"client": client()},
        {"connected": CONNECTED},
        {"client": with_phone(opted_out=["push"])},
        {"organization": organization(active=False)},
    ],
    ids=["no device", "not connected", "opted out", "inactive"],
)
def test_push_that_is_not_sent_leaves_no_trace(changes: dict[str, Any]) -> None:
    off = decide_event(event(), of(**({"rules": ruled(rule(BOOKED, "client"))} | changes)))
    on = decide_event(event(), of(**({"rules": ruled(rule(BOOKED, "client", "email"))} | changes)))
    assert off == []
    assert "push" not in {item.channel for verdict in on for item in (*verdict.send, *verdict.listed)}


def test_a_client_with_a_device_alone_is_told_there_and_nothing_is_refused() -> None:
    nowhere = with_phone(email=None, phone=None, consents=ConsentState())
    (verdict,) = decide_event(event(), of(client=nowhere, rules=ruled(rule(BOOKED, "client", "email", "sms"))))
    made = MessageMaker(CountingIds()).make(
        ORG, Occasion(REF, event="appointment.booked", version=1), verdict, deadline=START, now=NOW
    )
    assert [(message.channel, message.status, message.to) for message in made] == [("push", "queued", "phone")]


def test_a_client_needs_no_consent_for_push() -> None:
    silent = with_phone(consents=ConsentState())
    assert [item[2] for item in sends(decide_event(event(), of(client=silent)))] == ["push"]


def test_staff_are_told_on_their_devices_but_not_of_what_they_did_themselves() -> None:
    members = {name: staff(name, reach=PHONE) for name in ("s1", "s2")}
    of_two = of(
        record=record(appointment(staff_ids=["s1", "s2"])), staff=members, rules=ruled(rule(BOOKED, "collaborator"))
    )
    assert [item[1] for item in sends(decide_event(event(), of_two))] == ["s:s1", "s:s2"]
    by_one = event(actor=Actor(type="staff", id="s1"))
    assert [item[1] for item in sends(decide_event(by_one, of_two))] == ["s:s2"]


def test_devices_named_alike_belong_to_different_people_and_one_person_is_told_once() -> None:
    # s1 is collaborator and manager; m1 has a device of the same name, which is another one.
    members = {
        "s1": staff("s1", roles=["collaborator", "manager"], reach=PHONE),
        "m1": staff("m1", roles=["manager"], reach=PHONE),
    }
    verdicts = decide_event(
        event(),
        of(
            record=record(appointment(staff_ids=["s1"])),
            staff=members,
            rules=ruled(rule(BOOKED, "collaborator"), rule(BOOKED, "manager")),
            settings=settings(manager=Notified(email="manager@example.com")),
        ),
    )
    assert [(item[0], item[1]) for item in sends(verdicts)] == [("collaborator", "s:s1"), ("manager", "s:m1")]


def test_a_reminder_goes_to_the_device_beside_the_one_channel_of_its_strategy() -> None:
    verdict = decide_reminder("day_before", of(whatsapp_templates=approved("reminder")))
    assert verdict is not None
    assert [item.channel for item in verdict.send] == ["whatsapp", "push"]
    assert [item.channel for item in verdict.listed] == ["whatsapp", "sms", "email"]


@pytest.mark.parametrize("changes", [{"enrolled": False}, {"reminders": [reminder("day_before", enabled=False)]}])
def test_a_reminder_that_is_off_does_not_go_to_the_device_either(changes: dict[str, Any]) -> None:
    verdict = decide_reminder("day_before", of(client=with_phone(**changes)))
    assert verdict is not None
    assert verdict.send == ()


def test_the_next_channel_of_a_strategy_does_not_bring_push_again() -> None:
    verdict = decide_reminder("day_before", of(), given_up={"whatsapp": "unreachable"})
    assert verdict is not None
    assert [item.channel for item in verdict.send] == ["sms"]


class TestThroughThePipeline:
    def rig(self, **changes: Any) -> Rig:
        rig = Rig()
        rig.account.clients[ORG, "anna"] = with_phone(**changes)
        rig.connections.channels = PUSH
        rig.put()
        rig.follow("anna")
        rig.deliver()
        rig.deliver("push")
        rig.provider.sent.clear()
        return rig

    def reminders(self, rig: Rig) -> dict[str | None, tuple[str, str | None]]:
        return {m.channel: (m.status, m.reason) for m in rig.account.found(ORG) if m.occasion.reminder}

    def test_push_is_sent_with_the_devices_of_the_person(self) -> None:
        rig = self.rig()
        rig.fire("day_before")
        rig.deliver("push")
        (sent,) = rig.provider.sent
        assert (sent.to, sent.devices) == ("phone", tuple(PHONE.devices))
        assert self.reminders(rig) == {"whatsapp": ("queued", None), "push": ("sent", None)}

    def test_push_that_fails_gives_no_other_channel_a_turn(self) -> None:
        rig = self.rig()
        rig.fire("day_before")
        rig.provider.script = [Outcome("permanent", reason="unreachable")]
        rig.deliver("push")
        assert self.reminders(rig) == {"whatsapp": ("queued", None), "push": ("failed", "unreachable")}

    def test_a_reminder_that_fires_again_finds_the_push_message_that_went_out(self) -> None:
        rig = self.rig(email=None, phone=None)
        (due,) = [due for due in rig.schedules.kept.values() if due.key == "day_before"]
        rig.fire("day_before")
        rig.deliver("push")
        rig.dispatcher().dispatch([due])
        rig.deliver("push")
        assert len(rig.provider.sent) == 1
        assert self.reminders(rig) == {"push": ("sent", None)}

    def test_a_device_that_left_meanwhile_gets_nothing(self) -> None:
        rig = self.rig()
        rig.fire("day_before")
        rig.account.clients[ORG, "anna"] = client()
        rig.deliver("push")
        assert (rig.provider.sent, self.reminders(rig)["push"]) == ([], ("suppressed", "no_address"))

    def test_a_push_message_is_not_later_than_its_deadline(self) -> None:
        rig = self.rig()
        rig.fire("day_before")
        rig.deliver("push")
        assert timedelta(seconds=rig.provider.sent[0].valid_seconds) <= START - rig.clock.now()
        assert rig.provider.sent[0].valid_seconds > 60
