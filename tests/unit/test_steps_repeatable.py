"""Every function of the pipeline, broken at each of its calls to the outside in every way, and then repeated."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.own_channels import OwnSender
from carillon.domain.settings import MessageMode, Notified, QuietHours
from carillon.ports.delivery import Found, Outcome
from carillon.ports.reading import Want
from carillon.services.receipts import Receipt
from carillon.services.storing import ready_alone, ready_of
from tests.builders import ORG, REF, client, organization, reminder
from tests.faults import Died, Failed, Line, lines
from tests.rig import Rig

CHANNELS: tuple[Channel, ...] = ("email", "whatsapp", "sms")


def told_whom(rig: Rig) -> Counter[tuple[str, str]]:
    """Count what reached a provider: to whom, and what."""
    return Counter((outgoing.to, outgoing.rendered.text) for outgoing in rig.provider.sent)


def booked(line: Line) -> Rig:
    rig = Rig(line)
    rig.put(staff_ids=["s1"])
    return rig


def moved(line: Line) -> Rig:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    rig.put(start="2026-12-02T10:00:00")
    rig.put(start="2026-12-03T10:00:00")
    rig.line = line
    return rig


def remembered(line: Line) -> Rig:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.clock.at = rig.record().plan[0].at
    rig.line = line
    return rig


def again(step: Callable[[], object]) -> None:
    """Do a step until it comes through, as a queue or the stream does."""
    for _ in range(3):
        try:
            step()
        except (Died, Failed):
            continue
        return
    raise AssertionError("it never comes through")


def calls_of(story: Callable[[Line], Rig]) -> int:
    line = Line()
    story(line)
    return len(line.calls)


def follow(prepare: Callable[[Line], Rig], line: Line) -> Rig:
    rig = prepare(line)
    again(lambda: rig.follow("anna"))
    return rig


@pytest.mark.parametrize("prepare", [booked, moved])
def test_the_planner_ends_where_it_would_have_ended(prepare: Callable[[Line], Rig]) -> None:
    whole = follow(prepare, Line())
    messages = {key: (m.status, m.reason) for key, m in whole.account.messages.items()}
    schedules = set(whole.schedules.kept)
    whole.deliver()
    tried = 0
    for line in lines(calls_of(lambda line: follow(prepare, line))):
        rig = follow(prepare, line)
        assert {key: (m.status, m.reason) for key, m in rig.account.messages.items()} == messages, line
        # A schedule whose deletion was lost fires stale; none is missing.
        assert set(rig.schedules.kept) >= schedules, line
        assert {due.key for due in rig.schedules.kept.values()} == {"day_before", "morning_of"}
        assert rig.record().settled
        rig.line = Line()
        rig.deliver()
        assert told_whom(rig) == told_whom(whole), line
        tried += 1
    assert tried >= 4 * 8


def dispatched(line: Line) -> Rig:
    rig = remembered(line)
    due = next(due for due in rig.schedules.kept.values() if due.key == "day_before")
    again(lambda: rig.dispatcher().dispatch([due]))
    return rig


def test_the_dispatcher_makes_one_message_that_waits_on_its_queue() -> None:
    for line in lines(calls_of(dispatched)):
        rig = dispatched(line)
        rig.line = Line()
        (message,) = rig.account.found(ORG)
        assert (message.channel, message.status) == ("whatsapp", "queued")
        rig.deliver("whatsapp")
        assert sum(told_whom(rig).values()) == 1, line


def deliver_until_quiet(rig: Rig) -> None:
    """Bring every queue message again until none is left, as SQS does; a holder that died is waited for."""
    for _ in range(24):
        for channel in CHANNELS:
            taken = rig.take(channel)
            if not taken:
                continue
            try:
                done = rig.sender(channel).send(taken)
            except (Died, Failed):
                rig.queues.ready += taken
            else:
                rig.queues.ready += [sent.ready for sent in done if sent.result == "busy"]
        if not rig.queues.ready and not rig.queues.waits:
            return
        # What waits for long comes by a schedule, which the jobs' function makes.
        rig.queues.ready += [ready for ready, _ in rig.queues.waits]
        rig.queues.waits = []
        turns = [ready.at for ready in rig.queues.ready if ready.at is not None]
        rig.clock.at = max([rig.clock.at + timedelta(seconds=30), *([min(turns)] if turns else [])])
    raise AssertionError("the queues never empty")


def sent(script: list[Outcome]) -> Callable[[Line], Rig]:
    def story(line: Line) -> Rig:
        rig = remembered(Line())
        rig.provider.script = list(script)
        rig.fire("day_before")
        rig.line = line
        deliver_until_quiet(rig)
        return rig

    return story


ACCEPTED: list[Outcome] = []
REFUSED = [Outcome("permanent", reason="unreachable")]
LATER = [Outcome("retry", code="x")]


@pytest.mark.parametrize("script", [ACCEPTED, REFUSED, LATER], ids=["accepted", "refused", "later"])
def test_a_sender_calls_the_provider_once_and_says_unknown_where_it_cannot_know(script: list[Outcome]) -> None:
    story = sent(script)
    whole = story(Line())
    for line in lines(calls_of(story)):
        rig = story(line)
        calls = Counter(outgoing.message_id for outgoing in rig.provider.sent)
        assert max(calls.values(), default=0) <= 1 + (script is LATER), line
        statuses = Counter(message.status for message in rig.account.found(ORG))
        assert not statuses["queued"], line
        if statuses["unknown"] or statuses["sending"]:
            # Only around the provider's call may it be open what happened; then nothing else is sent.
            broken_at = line.calls[(line.at or 1) - 1]
            assert broken_at in ("claim", "send", "finish"), line
            assert sum(calls.values()) <= len(whole.provider.sent)
        else:
            assert told_whom(rig) == told_whom(whole), line
        accepted = [m for m in rig.account.found(ORG) if m.status == "sent"]
        assert len(accepted) <= 1


def held(line: Line) -> Rig:
    """A late try that falls into the night, and is held until the morning."""
    rig = Rig(quiet_hours=QuietHours(enabled=True))
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.clock.advance(hours=4)
    rig.line = line
    deliver_until_quiet(rig)
    return rig


def test_a_message_held_over_night_goes_once_in_the_morning() -> None:
    whole = held(Line())
    assert [m.timeline[1][1:] for m in whole.account.found(ORG)] == [("queued", "quiet_hours")]
    for line in lines(calls_of(held)):
        rig = held(line)
        calls = sum(told_whom(rig).values())
        statuses = Counter(message.status for message in rig.account.found(ORG))
        assert (calls, statuses) == (1, {"sent": 1}) or "unknown" in statuses or "sending" in statuses, line
        if "unknown" in statuses or "sending" in statuses:
            assert line.calls[(line.at or 1) - 1] in ("claim", "send", "finish"), line


def unanswered(line: Line) -> Rig:
    """A message that brings no receipt, until the next channel has had its turn."""
    rig = Rig(fallback_after="PT10M")
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.deliver("whatsapp")
    rig.line = line
    deliver_until_quiet(rig)
    return rig


def test_a_missing_receipt_gives_the_next_channel_its_turn_once() -> None:
    for line in lines(calls_of(unanswered)):
        rig = unanswered(line)
        rig.line = Line()
        for message in rig.account.found(ORG, "queued"):
            # Stored, and whoever stored it died before queueing it, twice: the sweep finds it.
            rig.queues.ready.append(ready_of(ORG, message, rig.record()))
        deliver_until_quiet(rig)
        statuses = {message.channel: message.status for message in rig.account.found(ORG)}
        assert statuses["whatsapp"] == "sent", line
        assert statuses["sms"] in ("sent", "unknown", "sending"), line
        assert set(statuses) == {"whatsapp", "sms"}, line
        assert max(told_whom(rig).values()) <= 2, line
        assert len(rig.provider.sent) <= 2, line


def refused(line: Line) -> Rig:
    """An own sender that its provider refuses once, and takes again."""
    rig = Rig(message_mode=MessageMode(mode="own", business_name="A"), manager=Notified(email="boss@example.com"))
    rig.account.organizations[ORG] = organization(channels={"whatsapp": ChannelState(status="active", sender="+1")})
    rig.own.kept[ORG, "whatsapp"] = OwnSender("+1")
    rig.account.clients[ORG, "anna"] = client(reminders=[reminder("day_before", channels=["whatsapp"])])
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.provider.script = [Outcome("misconfigured", code="63007")]
    rig.line = line
    deliver_until_quiet(rig)
    return rig


def test_a_refused_sender_rests_once_is_told_of_once_and_loses_nothing() -> None:
    for line in lines(calls_of(refused)):
        rig = refused(line)
        rig.line = Line()
        for message in rig.account.found(ORG, "queued"):
            rig.queues.ready.append(ready_alone(ORG, message))
        deliver_until_quiet(rig)
        mine = [message for message in rig.account.found(ORG) if message.occasion.reminder]
        notices = [message for message in rig.account.found(ORG) if message.occasion.kind == "notice"]
        assert [message.status for message in mine] in (["sent"], ["unknown"], ["sending"]), line
        assert len(notices) <= 1, line
        assert rig.account.organizations[ORG].channels["whatsapp"].pauses <= 2, line
        accepted = [outgoing for outgoing in rig.provider.sent if outgoing.own is not None]
        assert len(accepted) <= 2 + (line.kind == "fails_before"), line


def looked_up(line: Line) -> Rig:
    """An outcome that nobody knows, and its provider does."""
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.fire("day_before")
    rig.provider.script = [Outcome("unknown", reason="provider_timeout")]
    rig.deliver("whatsapp")
    rig.look_up.kept["reminder.day_before v1"] = Found("failed", "SM7", "unreachable")
    rig.line = line
    deliver_until_quiet(rig)
    return rig


def test_a_look_up_closes_a_message_and_gives_the_next_channel_its_turn_once() -> None:
    for line in lines(calls_of(looked_up)):
        rig = looked_up(line)
        rig.line = Line()
        for message in rig.account.found(ORG, "failed"):
            # Whoever noted the failure may have died before the next channel's turn: the sweep finds it.
            rig.fallback().resume(ORG, message, rig.sender().reader.read([Want(ORG, REF, ("anna",), texts=True)])[0])
        deliver_until_quiet(rig)
        statuses = {message.channel: message.status for message in rig.account.found(ORG)}
        assert statuses["whatsapp"] == "failed", line
        assert statuses["sms"] in ("sent", "unknown", "sending"), line
        assert len(rig.provider.sent) == 2 or statuses["sms"] != "sent", line
        assert len(rig.provider.sent) <= 2, line


def reported(line: Line) -> Rig:
    rig = remembered(Line())
    rig.fire("day_before")
    rig.deliver("whatsapp")
    (message,) = rig.account.found(ORG)
    rig.line = line
    receipt = Receipt(rig.tokens.issue(ORG, message.key), "failed", "unreachable", "SM1")
    again(lambda: rig.receipts().apply(receipt))
    return rig


def test_a_receipt_of_a_failure_gives_the_next_channel_its_turn_once() -> None:
    for line in lines(calls_of(reported)):
        rig = reported(line)
        rig.line = Line()
        deliver_until_quiet(rig)
        statuses = {message.channel: message.status for message in rig.account.found(ORG)}
        assert statuses == {"whatsapp": "failed", "sms": "sent"}, line
        assert len(rig.provider.sent) == 2


def test_a_broken_line_breaks_where_it_says() -> None:
    effects: list[str] = []

    class Outside:
        def call(self) -> None:
            effects.append("done")

    for kind, error, happened in (
        ("dies_before", Died, 0),
        ("dies_after", Died, 1),
        ("fails_before", Failed, 0),
        ("fails_after", Failed, 1),
    ):
        effects.clear()
        line = Line(2, kind)  # type: ignore[arg-type]
        outside = line.watch(Outside())
        outside.call()
        with pytest.raises(error):
            outside.call()
        outside.call()
        assert len(effects) == 2 + happened
