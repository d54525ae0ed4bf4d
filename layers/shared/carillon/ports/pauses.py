"""The states of organizations' own senders, as those who send change them."""

from typing import Protocol

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.messages import Message


class ChannelStates(Protocol):
    """Changes the state of one own sender; nothing else of the organization, and nothing is planned anew for it."""

    def change(
        self,
        org_id: str,
        channel: Channel,
        before: ChannelState,
        after: ChannelState,
        *,
        notice: Message | None = None,
        retention_days: int = 90,
    ) -> bool:
        """Put one state in the place of another, and store the notice of it in the same write.

        False when the state is no longer `before`: somebody else saw the same, or the sender was set up anew.
        """
