"""Which channels can send: those that the deployment has a sender for, and WhatsApp's approved templates."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from carillon.adapters.dynamodb.table import Table
from carillon.domain.channels import Channel
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.ports.system import Clock

KEPT = timedelta(minutes=5)
"""How long the list of approved templates is remembered: nearly 300 items, read anew by each process."""


class DeploymentConnections:
    """See the port `Connections`. `senders` maps each channel the deployment can send on to its sender; empty: none."""

    def __init__(self, table: Table, senders: Mapping[Channel, str], clock: Clock) -> None:
        self._table = table
        self._senders = senders
        self._clock = clock
        self._approved: frozenset[tuple[str, str, str]] = frozenset()
        self._until: datetime | None = None

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:  # noqa: ARG002
        """Name the channels that can send; SMS needs no sender id everywhere, so it is always one of them."""
        return frozenset(channel for channel, sender in self._senders.items() if sender or channel == "sms")

    def whatsapp_templates(
        self,
        organization: Organization,  # noqa: ARG002 - an own sender has templates of its own
        settings: Settings,  # noqa: ARG002
    ) -> frozenset[tuple[str, str, str]]:
        """Name the texts of the shared sender that have an approved template; read at most every five minutes."""
        now = self._clock.now()
        if self._senders.get("whatsapp") and (self._until is None or now >= self._until):
            names: list[str] = []
            after = None
            while True:
                page = self._table.query("@#WAT", after=after)
                names += [item["sk"] for item in page.items if item.get("status") == "approved"]
                after = page.last
                if after is None:
                    break
            self._approved = frozenset((key, audience, locale) for key, audience, locale in map(_split, names))
            self._until = now + KEPT
        return self._approved


def _split(name: str) -> tuple[str, str, str]:
    key, audience, locale = name.split("#")
    return key, audience, locale
