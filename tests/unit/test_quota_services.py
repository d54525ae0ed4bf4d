"""What becomes of messages whose quota is exhausted, on every way to a message; and that no death costs a unit."""

from collections import Counter
from typing import Any

import pytest

from carillon.domain.settings import Notified
from carillon.ports.delivery import Outcome
from tests.builders import NOW, ORG, client, organization, reminder
from tests.faults import Line, lines
from tests.rig import Rig
from tests.unit.test_steps_repeatable import again, calls_of, deliver_until_quiet


def metered(units: dict[str, int], line: Line | None = None, **of_reminder: Any) -> Rig:
    """An organization with so many units of each bucket, whose client's reminder is due."""
    rig = Rig(line, manager=Notified(email="boss@example.com"))
    rig.account.organizations[ORG] = organization(metering=dict.fromkeys(units, 0))
    rig.account.left |= {(ORG, bucket): left for bucket, left in units.items()}
    basis = {"channels": ["sms", "email"], "strategy": "first_reachable"}
    rig.account.clients[ORG, "anna"] = client(reminders=[reminder("day_before", **(basis | of_reminder))])
    return rig


def due(rig: Rig) -> Rig:
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    return rig


def balanced(rig: Rig, units: dict[str, int]) -> bool:
    """Whether what is left and what messages hold is what there was."""
    held = Counter[str]()
    for message in rig.account.found(ORG):
        held[message.channel or ""] += message.units
    return all(rig.account.left[ORG, bucket] + held[bucket] == total for bucket, total in units.items())


def test_a_reminder_takes_what_it_takes_when_it_is_written() -> None:
    rig = due(metered({"sms": 10}))
    assert rig.account.left[ORG, "sms"] == 8
    rig.deliver("sms")
    assert (rig.only().status, rig.only().units, rig.account.left[ORG, "sms"]) == ("sent", 1, 9)


def test_an_exhausted_channel_gives_its_turn_to_the_next_of_the_strategy() -> None:
    rig = due(metered({"sms": 0}))
    message = rig.only()
    assert (message.channel, message.status, message.tried) == ("email", "queued", (("sms", "quota_exhausted"),))
    rig.deliver()
    assert rig.only().status == "sent"


def test_a_reminder_that_no_channel_has_quota_for_is_suppressed_once() -> None:
    rig = due(metered({"sms": 0, "email": 0}))
    message = rig.only()
    assert (message.status, message.channel, message.reason) == ("suppressed", None, "quota_exhausted")
    assert message.tried == (("sms", "quota_exhausted"), ("email", "quota_exhausted"))


def test_on_all_channels_the_exhausted_one_is_left_out() -> None:
    rig = due(metered({"email": 0}, strategy="all"))
    assert [(m.channel, m.status) for m in rig.account.found(ORG)] == [("sms", "queued")]


@pytest.mark.parametrize(("left", "told"), [(9, (("queued", None))), (0, ("suppressed", "quota_exhausted"))])
def test_an_event_is_refused_on_a_channel_that_is_exhausted(left: int, told: tuple[str, str | None]) -> None:
    rig = metered({"email": left})
    rig.put()
    rig.follow("anna")
    (message,) = [each for each in rig.account.found(ORG) if each.audience == "client"]
    assert (message.status, message.reason) == told


def test_people_told_by_one_event_run_out_one_after_the_other() -> None:
    rig = metered({"email": 1})
    rig.put(staff_ids=["s1", "s2"])
    rig.follow("anna")
    statuses = Counter((m.status, m.reason) for m in rig.account.found(ORG))
    assert statuses[("queued", None)] == 1
    assert statuses[("suppressed", "quota_exhausted")] == len(rig.account.found(ORG)) - 1 > 0


def test_one_that_turns_out_longer_than_what_is_left_goes_on_the_next_channel() -> None:
    rig = due(metered({"sms": 1}))
    rig.composer.text = "ж" * 71
    rig.deliver("sms")
    by_channel = {m.channel: (m.status, m.reason, m.units) for m in rig.account.found(ORG)}
    assert by_channel == {"sms": ("suppressed", "quota_exhausted", 0), "email": ("queued", None, 0)}
    assert rig.account.left[ORG, "sms"] == 1


def test_after_a_failure_the_turn_passes_over_an_exhausted_channel() -> None:
    rig = due(metered({"whatsapp": 0}, channels=["sms", "whatsapp", "email"]))
    rig.provider.script = [Outcome("permanent", reason="unreachable")]
    rig.deliver("sms")
    by_channel = {m.channel: (m.status, dict(m.tried)) for m in rig.account.found(ORG)}
    assert by_channel["email"] == ("queued", {"sms": "unreachable", "whatsapp": "quota_exhausted"})


def test_a_failure_gives_its_units_back_when_nobody_is_left_to_take_over() -> None:
    rig = due(metered({"sms": 2, "email": 0}))
    rig.provider.script = [Outcome("permanent", reason="unreachable")]
    rig.deliver("sms")
    assert (rig.only().status, rig.account.left[ORG, "sms"]) == ("failed", 2)


def test_a_missing_receipt_passes_over_an_exhausted_channel() -> None:
    rig = Rig(fallback_after="PT10M")
    rig.account.organizations[ORG] = organization(metering={"sms": 0})
    rig.account.left[ORG, "sms"] = 0
    channels = ["whatsapp", "sms", "email"]
    rig.account.clients[ORG, "anna"] = client(reminders=[reminder("day_before", channels=channels)])
    due(rig)
    deliver_until_quiet(rig)
    assert {m.channel: m.status for m in rig.account.found(ORG)} == {"whatsapp": "sent", "email": "sent"}


def test_what_is_unmetered_is_as_it_was() -> None:
    rig = due(metered({"whatsapp": 5}))
    rig.deliver("sms")
    assert (rig.only().status, rig.only().units, rig.account.left) == ("sent", 0, {(ORG, "whatsapp"): 5})


UNITS = {"sms": 3, "email": 2}


def story(script: list[Outcome]) -> Any:
    def played(line: Line) -> Rig:
        rig = metered(UNITS)
        rig.put(notify=False)
        rig.follow("anna")
        rig.provider.script = list(script)
        ((_, scheduled),) = [(name, each) for name, each in rig.schedules.kept.items() if each.key == "day_before"]
        rig.clock.at = max(NOW, scheduled.fires)
        rig.line = line
        again(lambda: rig.dispatcher().dispatch([scheduled]))
        deliver_until_quiet(rig)
        return rig

    return played


@pytest.mark.parametrize(
    "script",
    [[], [Outcome("permanent", reason="unreachable")], [Outcome("retry", code="x")], [Outcome("unknown")]],
    ids=["accepted", "refused", "later", "unknown"],
)
def test_no_death_costs_or_gives_a_unit(script: list[Outcome]) -> None:
    play = story(script)
    tried = 0
    for line in lines(calls_of(play)):
        rig = play(line)
        assert balanced(rig, UNITS), line
        for message in rig.account.found(ORG):
            given_back = message.status in ("failed", "suppressed", "expired", "cancelled")
            assert (message.units == 0) == given_back, (line, message.status)
        tried += 1
    assert tried >= 4 * 5
