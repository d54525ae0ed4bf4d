"""A sender name for SMS: nothing is registered with SNS, the name goes along with each message.

Countries that require registration, or know no such names, replace or refuse it; no call of SNS tells beforehand.
"""

from collections.abc import Mapping
from typing import Any

from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import Connected


class SmsAdmin:
    """See the port `ChannelAdmin`."""

    def connect(
        self, _org_id: str, _channel_id: str, stated: Mapping[str, Any], _before: OwnSender | None
    ) -> Connected:
        """Take the name, which its document has checked."""
        return Connected(active=True, sender=str(stated["sender_id"]))

    def check(self, _org_id: str, _channel_id: str, own: OwnSender) -> Connected:
        """Say the same again."""
        return Connected(active=True, sender=own.sender)

    def disconnect(self, _org_id: str, _channel_id: str, _own: OwnSender) -> None:
        """There is nothing to undo."""
