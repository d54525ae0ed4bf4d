"""A sender that its provider refuses rests: an organization's own one with a notice, the deployment's with an alarm."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.channel_states import LONGEST_PAUSE, ChannelState
from carillon.domain.own_channels import OwnSender
from carillon.domain.settings import EmailSender, MessageMode, Notified
from carillon.domain.times import iso
from carillon.ports.delivery import Outcome
from tests.builders import ORG, organization
from tests.rig import Rig

REFUSED = Outcome("misconfigured", code="63007")
OWN = MessageMode(mode="own", business_name="Aurora")
MANAGER = Notified(email="boss@example.com")
ACTIVE = ChannelState(status="active", sender="+31201234567")


def own(*, reminders: str = "all", **of_settings: Any) -> Rig:
    """An organization with a WhatsApp number of its own, and two reminders ahead."""
    basis: dict[str, Any] = {"message_mode": OWN, "manager": MANAGER}
    rig = Rig(**(basis | of_settings))
    rig.account.organizations[ORG] = organization(channels={"whatsapp": ACTIVE})
    rig.own.kept[ORG, "whatsapp"] = OwnSender("+31201234567", {"account_sid": "AC"})
    changed = [
        {**vars(each), "channels": ["whatsapp"], "strategy": "all"} if reminders == "all" else vars(each)
        for each in rig.account.clients[ORG, "anna"].reminders or []
    ]
    kept = [type(rig.account.settings[ORG].reminders[0])(**each) for each in changed]
    anna = rig.account.clients[ORG, "anna"]
    rig.account.clients[ORG, "anna"] = type(anna)(**{**vars(anna), "reminders": kept})
    rig.put(notify=False)
    rig.follow("anna")
    return rig


def state(rig: Rig) -> ChannelState:
    return rig.account.organizations[ORG].channels["whatsapp"]


def bring(rig: Rig, at: datetime) -> None:
    """Move the clock, and bring what waits by a schedule."""
    rig.clock.at = at
    rig.queues.ready += [ready for ready, _ in rig.queues.waits]
    rig.queues.waits = []


def notices(rig: Rig) -> list[Any]:
    return [each for each in rig.account.found(ORG) if each.occasion.kind == "notice"]


def reminder(rig: Rig, key: str = "day_before") -> Any:
    return next(each for each in rig.account.found(ORG) if each.occasion.reminder == key)


def test_an_own_sender_that_is_refused_rests_and_its_message_waits() -> None:
    rig = own()
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    (done,) = rig.deliver("whatsapp")
    assert done.result == "paused"
    assert state(rig) == ChannelState(
        status="paused",
        sender="+31201234567",
        paused_until=iso(rig.clock.at + timedelta(minutes=5)),
        reason="63007",
        pauses=1,
    )
    waiting = reminder(rig)
    assert (waiting.status, waiting.reason) == ("queued", "sender_misconfigured")
    assert timedelta(minutes=5) <= waiting.not_before - rig.clock.at <= timedelta(minutes=6)
    (copy,) = rig.take("whatsapp")
    assert copy.at == waiting.not_before


def test_its_people_are_told_once_per_pause_by_mail_of_the_deployment() -> None:
    rig = own()
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    (notice,) = notices(rig)
    assert (notice.channel, notice.audience, notice.to) == ("email", "manager", "boss@example.com")
    assert notice.template == "notice.channel_paused"
    assert notice.deadline - notice.created_at == timedelta(hours=72)
    rig.provider.sent.clear()
    rig.deliver("email")
    (mail,) = rig.provider.sent
    assert (mail.to, mail.own, mail.reply_to) == ("boss@example.com", None, None)
    for _ in range(3):
        rig.clock.advance(hours=2)
        rig.provider.script = [REFUSED]
        rig.queues.ready = [each for each in rig.queues.ready if each.channel == "whatsapp"]
        rig.deliver("whatsapp")
    assert len(notices(rig)) == 1


def test_pauses_grow_up_to_an_hour_and_start_anew_once_it_worked() -> None:
    rig = own()
    rig.fire("day_before")
    lengths = []
    for _ in range(6):
        rig.provider.script = [REFUSED]
        begun = rig.clock.at
        rig.deliver("whatsapp")
        until = reminder(rig).not_before
        lengths.append(until - begun - (until - begun) % timedelta(minutes=5))
        bring(rig, until)
    assert lengths == [timedelta(minutes=each) for each in (5, 10, 20, 40, 60, 60)]
    assert timedelta(hours=1) == LONGEST_PAUSE
    rig.deliver("whatsapp")
    assert reminder(rig).status == "sent"
    assert state(rig) == ACTIVE
    rig.provider.script = [REFUSED]
    rig.fire("morning_of")
    rig.deliver("whatsapp")
    assert state(rig).pauses == 1
    assert len(notices(rig)) == 2


def test_while_it_rests_nothing_is_tried_and_then_one_message_alone() -> None:
    rig = own()
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    first = rig.take("whatsapp")
    rig.fire("morning_of")  # the next morning: the pause is over
    rig.account.organizations[ORG] = organization(
        channels={"whatsapp": ChannelState(**{**vars(state(rig)), "paused_until": iso(rig.clock.at)})}
    )
    rig.provider.sent.clear()
    sender = rig.sender("whatsapp")
    taken = rig.take("whatsapp")
    before = state(rig)
    gate = sender.pausing.gate(ORG, reminder(rig, "morning_of"), sender.reader.read([_want()])[0], rig.clock.at)
    assert (gate.until, gate.state) == (None, state(rig))
    assert state(rig) != before
    (done,) = sender.send(taken)
    assert (done.result, rig.provider.sent) == ("deferred", [])
    assert first


def _want() -> Any:
    from carillon.ports.reading import Want  # noqa: PLC0415

    return Want(ORG)


def test_with_a_channel_left_the_next_one_gets_its_turn_without_another_try() -> None:
    rig = own(reminders="first_reachable")
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    rig.deliver("sms")
    told = {each.channel: (each.status, each.reason) for each in rig.account.found(ORG) if each.occasion.reminder}
    assert told == {"whatsapp": ("failed", "sender_misconfigured"), "sms": ("sent", None)}
    rig.put(start="2026-12-01T16:00:00", notify=False)
    rig.follow("anna")
    rig.account.organizations[ORG] = organization(
        channels={"whatsapp": ChannelState(**{**vars(state(rig)), "paused_until": "2027-01-01T00:00:00Z"})}
    )
    rig.provider.sent.clear()
    rig.fire("morning_of")
    (done,) = rig.deliver("whatsapp")
    assert (done.result, done.reason) == ("failed", "sender_misconfigured")
    rig.deliver("sms")
    assert [outgoing.own for outgoing in rig.provider.sent] == [None]


def test_what_would_wait_past_its_deadline_fails_at_once() -> None:
    rig = own()
    rig.fire("day_before")
    rig.clock.at = reminder(rig).deadline - timedelta(minutes=3)
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    assert (reminder(rig).status, reminder(rig).reason) == ("failed", "sender_misconfigured")


def test_several_that_are_refused_together_make_one_pause_and_one_notice() -> None:
    rig = own()
    rig.fire("day_before")
    waiting = rig.take("whatsapp")
    stale = rig.sender("whatsapp").reader.read([_want()])[0]
    rig.provider.script = [REFUSED]
    rig.queues.ready = waiting
    rig.deliver("whatsapp")
    sender = rig.sender("whatsapp")
    gate = type(sender.pausing.gate(ORG, reminder(rig), stale, rig.clock.at))(None, ACTIVE)
    rig.clock.advance(seconds=3)
    sender.pausing.refused(ORG, reminder(rig), stale, gate, "63007").note()
    assert state(rig).pauses == 1
    assert len(notices(rig)) == 1


def test_without_an_address_the_notice_is_stored_as_suppressed() -> None:
    rig = own(manager=Notified())
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    (notice,) = notices(rig)
    assert (notice.status, notice.reason, notice.channel) == ("suppressed", "no_address", None)
    assert rig.take("email") == []


def test_the_owner_is_told_where_no_manager_is_named_and_opt_outs_bind() -> None:
    rig = own(manager=Notified(), owner=Notified(email="owner@example.com"))
    rig.fire("day_before")
    rig.provider.script = [REFUSED]
    rig.deliver("whatsapp")
    (notice,) = notices(rig)
    assert (notice.audience, notice.to) == ("owner", "owner@example.com")
    rig.account.settings[ORG] = type(rig.account.settings[ORG])(
        **{**vars(rig.account.settings[ORG]), "owner": Notified()}
    )
    rig.deliver("email")
    assert [(each.status, each.reason) for each in notices(rig)] == [("suppressed", "no_address")]


def shared() -> Rig:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    return rig


def test_when_the_deployments_sender_is_refused_everybody_waits_and_nobody_is_told() -> None:
    rig = shared()
    rig.provider.script = [Outcome("misconfigured", code="SendingPausedException")]
    (done,) = rig.deliver()
    assert (done.result, done.reason) == ("misconfigured", "sender_misconfigured")
    message = rig.only()
    assert (message.status, message.reason) == ("queued", "sender_misconfigured")
    assert rig.account.organizations[ORG].channels == {}
    again = rig.take("email")
    rig.account.messages[ORG, message.key] = type(message)(**{**vars(message), "not_before": None})
    rig.queues.ready = again
    (done,) = rig.deliver()
    assert (done.result, len(rig.provider.sent)) == ("deferred", 1)


def test_its_pause_ends_with_the_first_message_that_is_taken() -> None:
    rig = shared()
    for minutes in (1, 2, 4, 8, 15, 15):
        rig.provider.script = [Outcome("misconfigured", code="20003")]
        begun = rig.clock.at
        (done,) = rig.deliver()
        assert done.result == "misconfigured"
        wait = rig.only().not_before - begun  # type: ignore[operator]
        assert timedelta(minutes=minutes) <= wait <= timedelta(minutes=minutes + 1)
        bring(rig, rig.only().not_before or begun)
    (done,) = rig.deliver()
    assert done.result == "sent"
    assert rig.shared.gate(rig.clock.at) is None


def mailing(code: str) -> Rig:
    """An organization that mails from an address of its own, which SES refuses."""
    rig = Rig(owner=MANAGER, email_sender=EmailSender(from_="organization"))
    address = ChannelState(status="active", sender="salon@aurora.example")
    rig.account.organizations[ORG] = organization(channels={"email": address})
    rig.own.kept[ORG, "email"] = OwnSender("salon@aurora.example")
    rig.put()
    rig.follow("anna")
    rig.provider.script = [Outcome("misconfigured", code=code)]
    rig.deliver()
    return rig


def test_an_own_address_that_is_refused_is_stood_in_for_and_tried_again_later() -> None:
    rig = mailing("MailFromDomainNotVerifiedException")
    kept = rig.account.organizations[ORG].channels["email"]
    assert (kept.status, kept.pauses) == ("paused", 1)
    booking = next(each for each in rig.account.found(ORG) if each.occasion.event and each.reason)
    assert (booking.status, booking.reason) == ("queued", "sender_misconfigured")
    rig.clock.at = booking.not_before or rig.clock.at
    rig.deliver()
    assert {each.status for each in rig.account.found(ORG) if each.occasion.event} == {"sent"}
    rig.clock.advance(minutes=6)
    rig.put(start="2026-12-01T16:00:00")
    rig.follow("anna")
    rig.deliver()
    kept = rig.account.organizations[ORG].channels["email"]
    assert (kept.status, kept.pauses) == ("active", 1)
    rig.put(start="2026-12-01T17:00:00")
    rig.follow("anna")
    rig.deliver()
    assert rig.account.organizations[ORG].channels["email"].pauses == 0
    assert len(notices(rig)) == 1


@pytest.mark.parametrize("code", ["SendingPausedException", "AccessDeniedException", "NotFoundException"])
def test_what_the_account_is_to_blame_for_pauses_no_organizations_sender(code: str) -> None:
    rig = mailing(code)
    assert rig.account.organizations[ORG].channels["email"].status == "active"
    assert notices(rig) == []
