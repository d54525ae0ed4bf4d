"""Own senders as callers see them: never with what is secret."""

from dataclasses import field
from typing import Literal

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Instant, document
from carillon.domain.own_channels import DnsRecord, StoredChannel


@document
class ChannelView:
    """A channel and the organization's own sender on it.

    `status` is the own sender's: `pending` is stored and not usable yet (see `problem` and `dns_records`), `paused` was
    refused by its provider and is tried again after `paused_until`. `shared`: the deployment has a sender that serves
    where there is no own one. `configuration` is what was stated, without secrets; `secrets` names those that are set.
    """

    channel: Channel
    status: Literal["active", "pending", "paused", "not_connected"]
    shared: bool
    id: Id | None = None
    sender: str | None = None
    configuration: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    problem: str | None = None
    dns_records: list[DnsRecord] = field(default_factory=list)
    paused_until: Instant | None = None
    reason: str | None = None
    changed_at: Instant | None = None


def shown(channel: Channel, stored: StoredChannel | None, state: ChannelState | None, *, shared: bool) -> ChannelView:
    """Show a channel; a sender that is being connected or given up is not there."""
    if stored is None or stored.phase != "connected" or state is None:
        return ChannelView(channel=channel, status="not_connected", shared=shared)
    return ChannelView(
        channel=channel,
        status=state.status,
        shared=shared,
        id=stored.id,
        sender=state.sender,
        configuration=stored.stated,
        secrets=list(stored.secrets),
        problem=stored.problem,
        dns_records=list(stored.dns_records),
        paused_until=state.paused_until,
        reason=state.reason,
        changed_at=stored.changed_at or None,
    )
