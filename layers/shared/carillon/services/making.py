"""From decisions to messages: what is stored for each recipient of an occasion."""

from collections.abc import Collection
from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.decisions import Decision, Verdict
from carillon.domain.messages import Message, Occasion, message_key
from carillon.domain.recipients import Recipient
from carillon.domain.values import value
from carillon.ports.system import Ids


@value
class MessageMaker:
    """Makes messages; the same occasion, recipient and channel always lie under the same key."""

    ids: Ids

    def make(
        self,
        org_id: str,
        occasion: Occasion,
        verdict: Verdict,
        *,
        deadline: datetime,
        now: datetime,
        superseded: Collection[Channel] = (),
    ) -> list[Message]:
        """Make a message for each channel that is to send, or one refusal when none is.

        `superseded` channels stay silent because an earlier message still waiting there says it all.
        """
        silent = tuple(
            [(item.channel, item.reason or "") for item in verdict.refused]
            + [(item.channel, "superseded") for item in verdict.send if item.channel in superseded]
        )
        sending = [item for item in verdict.send if item.channel not in superseded]
        if not sending:
            if not silent:
                return []
            reason = silent[0][1]
            return [self.refuse(org_id, occasion, verdict.recipient, verdict.template, reason, deadline, now, silent)]
        return [self._queued(org_id, occasion, item, deadline, now, _before(item, verdict)) for item in sending]

    def refuse(
        self,
        org_id: str,
        occasion: Occasion,
        recipient: Recipient,
        template: str,
        reason: str,
        deadline: datetime,
        now: datetime,
        tried: tuple[tuple[str, str], ...] = (),
    ) -> Message:
        """Make the one record of a decision not to send: its reason is the first listed channel's."""
        return Message(
            key=message_key(org_id, occasion, recipient.audience, recipient.ref, None),
            id=self.ids.ulid(now),
            status="suppressed",
            channel=None,
            audience=recipient.audience,
            to=None,
            occasion=occasion,
            template=template,
            created_at=now,
            deadline=deadline,
            reason=reason,
            tried=tried,
            timeline=((now, "suppressed", reason),),
        )

    def _queued(
        self,
        org_id: str,
        occasion: Occasion,
        decision: Decision,
        deadline: datetime,
        now: datetime,
        tried: tuple[tuple[str, str], ...],
    ) -> Message:
        recipient, reason = decision.recipient, decision.reason
        return Message(
            key=message_key(org_id, occasion, recipient.audience, recipient.ref, decision.channel),
            id=self.ids.ulid(now),
            status="queued",
            channel=decision.channel,
            audience=recipient.audience,
            to=decision.address,
            occasion=occasion,
            template=decision.template,
            created_at=now,
            deadline=max(deadline, decision.until or deadline),
            reason=reason,
            tried=tried,
            not_before=decision.not_before,
            units=decision.units,
            timeline=((now, "queued", reason),),
        )


def _before(decision: Decision, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """Name the channels of a strategy that come before this one and gave it their turn, with their reasons."""
    if not verdict.strategy_continues or decision in verdict.beside:
        return ()
    listed = [item.channel for item in verdict.listed]
    earlier = listed[: listed.index(decision.channel)]
    return tuple((item.channel, item.reason or "") for item in verdict.refused if item.channel in earlier)
