"""Pausing: a sender that its provider refuses as misconfigured rests, and is tried with one message at a time.

An organization's own sender is paused in the organization's item, so every process knows, and its people are told once
per pause. The deployment's sender is paused in the process that met the refusal: it concerns the operator, whom an
alarm tells, and no customer.
"""

from collections.abc import Callable
from dataclasses import field
from datetime import datetime, timedelta
from threading import Lock

from carillon.domain.channel_states import ChannelState, paused, probed, resumed, tried_again
from carillon.domain.channels import Channel
from carillon.domain.connections import own_sender
from carillon.domain.messages import Message
from carillon.domain.notices import Notice, notice_message
from carillon.domain.simulation import is_test_data
from carillon.domain.times import iso, parse_instant
from carillon.domain.values import value
from carillon.ports.delivery import Outcome
from carillon.ports.pauses import ChannelStates
from carillon.ports.queues import Queues
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock, Ids
from carillon.services.storing import ready_alone
from carillon.services.waiting import hand_over

FIRST, LONGEST = timedelta(minutes=1), timedelta(minutes=15)
"""Pauses of the deployment's sender, in each process."""
PROBE = timedelta(minutes=1)
WORKS = frozenset({"accepted", "permanent"})
"""Answers that only a sender which is set up right gets."""


OWN_FAULTS: dict[Channel, frozenset[str]] = {
    "email": frozenset({"MessageRejected", "MailFromDomainNotVerifiedException"}),
    "sms": frozenset({"InvalidParameter", "ValidationException", "ResourceNotFoundException", "ConflictException"}),
    "push": frozenset({"PlatformApplicationDisabled"}),
}
"""Channels on which an own sender goes through the deployment's account at AWS, with the codes that blame the sender.
Whatever else is misconfigured there is the deployment's, and concerns everybody."""


@value
class Gate:
    """Whether a sender may be used: `until` when it rests. `state`: of an own sender, as this message found it."""

    until: datetime | None = None
    state: ChannelState | None = None


@value
class Refusal:
    """Until when a sender rests, whose it is, and what notes that; for an `own` one its organization is told."""

    until: datetime
    own: bool
    note: Callable[[], None] = lambda: None


class SharedPause:
    """The pause of the deployment's sender, within one process."""

    def __init__(self) -> None:
        self._until: datetime | None = None
        self._refusals = 0
        self._probing = False
        self._lock = Lock()

    def gate(self, now: datetime) -> datetime | None:
        """Say until when it rests; when that is over, one may pass and the others wait for what becomes of it."""
        with self._lock:
            if self._until is None:
                return None
            if now < self._until:
                return self._until
            self._until, self._probing = now + PROBE, True
            return None

    def refused(self, now: datetime) -> datetime:
        """Pause it, longer each time; those that were under way together count once."""
        with self._lock:
            if self._until is None or self._probing or now >= self._until:
                self._refusals += 1
                self._until = now + min(FIRST * 2 ** min(self._refusals - 1, 8), LONGEST)
                self._probing = False
            return self._until

    def works(self) -> None:
        """End the pause."""
        with self._lock:
            self._until, self._refusals, self._probing = None, 0, False


@value
class Pausing:
    """Keeps messages from senders that rest, and has senders rest."""

    states: ChannelStates
    queues: Queues
    clock: Clock
    ids: Ids
    shared: SharedPause = field(default_factory=SharedPause)

    def gate(self, org_id: str, message: Message, snapshot: Snapshot, now: datetime) -> Gate:
        """Say whether a message may be sent now. One message may try a sender whose pause is over."""
        channel, state = message.channel, _own_state(org_id, message, snapshot)
        if channel is None:
            return Gate()
        if channel == "email" and state is not None and state.status == "paused":
            # The deployment's address stands in meanwhile, so nothing waits.
            self._try_again(org_id, channel, state, now)
            state = None
        if state is None or channel in OWN_FAULTS:
            until = self.shared.gate(now)
            if until is not None:
                return Gate(until)
        if state is None or state.status != "paused" or state.paused_until is None:
            return Gate(state=state)
        until = parse_instant(state.paused_until)
        if now < until:
            return Gate(until, state)
        trying = probed(state, now)
        if self.states.change(org_id, channel, state, trying):
            return Gate(state=trying)
        return Gate(now + PROBE, state)

    def refused(self, org_id: str, message: Message, snapshot: Snapshot, gate: Gate, code: str | None) -> Refusal:
        """Say until when a sender rests that was just refused, and give what notes it.

        Noting comes after the message's outcome is written. Should it not happen, the next message's refusal does it.
        """
        now, channel, before = self.clock.now(), message.channel, gate.state
        if before is None or channel is None or code not in OWN_FAULTS.get(channel, {code}):
            return Refusal(self.shared.refused(now), own=False)
        after = paused(before, now, code)
        until = now if channel == "email" else parse_instant(after.paused_until or iso(now))
        return Refusal(until, own=True, note=lambda: self._pause(org_id, channel, before, after, snapshot, now))

    def answered(self, org_id: str, message: Message, gate: Gate, outcome: Outcome) -> None:
        """End the pause of a sender that took a message, or refused it for the message's own sake."""
        if outcome.kind not in WORKS or message.channel is None:
            return
        if gate.state is None or message.channel in OWN_FAULTS:
            self.shared.works()
        if gate.state is not None and gate.state.pauses:
            self.states.change(org_id, message.channel, gate.state, resumed(gate.state))

    def _try_again(self, org_id: str, channel: Channel, state: ChannelState, now: datetime) -> None:
        if state.paused_until is not None and now >= parse_instant(state.paused_until):
            self.states.change(org_id, channel, state, tried_again(state))

    def _pause(
        self,
        org_id: str,
        channel: Channel,
        before: ChannelState,
        after: ChannelState,
        snapshot: Snapshot,
        now: datetime,
    ) -> None:
        organization, settings = snapshot.organization, snapshot.settings
        if organization is None or settings is None:
            return
        notice = None
        if not before.pauses:
            about = Notice("channel_paused", channel, now)
            notice = notice_message(org_id, about, organization, settings, now, self.ids.ulid(now))
        days = settings.retention_days
        done = self.states.change(org_id, channel, before, after, notice=notice, retention_days=days)
        if done and notice is not None and notice.channel is not None:
            hand_over(self.queues, [ready_alone(org_id, notice)], now)


def _own_state(org_id: str, message: Message, snapshot: Snapshot) -> ChannelState | None:
    """Give the state of the organization's own sender where the message goes by it; notices never do."""
    organization, settings = snapshot.organization, snapshot.settings
    alone = message.occasion.kind == "notice" or is_test_data(org_id)
    if alone or organization is None or settings is None or message.channel is None:
        return None
    if message.channel == "email":
        # One that is paused is not in use, because the deployment's address stands in; but it is to be tried again.
        kept = organization.channels.get("email") if settings.email_sender.from_ != "no_reply" else None
        return kept if kept is not None and kept.status != "pending" else None
    return own_sender(message.channel, organization, settings)
