"""Answers: the one message that confirms an opt-out or a return. It is about no record and needs no consent."""

from datetime import datetime, timedelta

from carillon.domain.channels import Channel
from carillon.domain.messages import Message, Occasion, message_key
from carillon.domain.organizations import Organization
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import Recipient
from carillon.domain.replies import StoredReply

DEADLINE = timedelta(minutes=5)
"""How soon after the reply: what is confirmed later has to be justified (47 CFR 64.1200(a)(12))."""
OPT_OUT, OPT_BACK = "answer.opt_out", "answer.opt_back"


def answer_to(org_id: str, reply: StoredReply, person: Recipient, now: datetime, message_id: str) -> Message:
    """Make the confirmation of what a reply asked for: the same one however often it is made."""
    occasion = Occasion("", kind="answer", id=reply.id)
    return Message(
        key=message_key(org_id, occasion, person.audience, person.ref, reply.channel),
        id=message_id,
        status="queued",
        channel=reply.channel,
        audience=person.audience,
        to=reply.address,
        occasion=occasion,
        template=OPT_OUT if reply.opt == "out" else OPT_BACK,
        created_at=now,
        deadline=reply.at + DEADLINE,
        timeline=((now, "queued", None),),
    )


def recheck_answer(
    message: Message, organization: Organization | None, connected: frozenset[Channel], now: datetime
) -> Recheck:
    """Check an answer just before it is claimed. The opt-out that it confirms is not in its way."""
    if organization is None or organization.deleted or message.channel is None or message.to is None:
        return Recheck(status="suppressed", reason="superseded")
    if not organization.sends:
        return Recheck(status="suppressed", reason="notifications_inactive")
    if now >= message.deadline:
        return Recheck(status="expired", reason="too_late")
    if message.channel not in connected:
        return Recheck(status="suppressed", reason="channel_not_connected")
    return Recheck(address=message.to)
