"""Which channels can send for an organization, and which WhatsApp templates it has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table
from carillon.domain.channels import Channel
from carillon.domain.connections import connected, templates_owner
from carillon.domain.organizations import OPERATOR_ORG, Organization
from carillon.domain.settings import Settings
from carillon.ports.system import Clock

KEPT = timedelta(minutes=5)
"""How long a list of approved templates is remembered: nearly 300 items, read anew by each process."""
MOST_KEPT = 200
"""Lists that a process remembers; the shared sender's is one of them."""
Approved = frozenset[tuple[str, str, str]]


class DeploymentConnections:
    """See the port `Connections`. `senders` maps each channel the deployment can send on to its sender; empty: none."""

    def __init__(self, table: Table, senders: Mapping[Channel, str], clock: Clock) -> None:
        self._table = table
        self._senders = senders
        self._clock = clock
        self._known: dict[str, tuple[datetime, Approved]] = {}
        self._lock = Lock()

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:
        """Name the channels that can send; SMS needs no sender id everywhere, so it is always one of them."""
        shared = frozenset(channel for channel, sender in self._senders.items() if sender or channel == "sms")
        return connected(shared, organization, settings)

    def whatsapp_templates(self, organization: Organization, settings: Settings) -> Approved:
        """Name the texts of the sender in use that have an approved template; read at most every five minutes."""
        owner = templates_owner(organization, settings)
        if owner == OPERATOR_ORG and not self._senders.get("whatsapp"):
            return frozenset()
        now = self._clock.now()
        with self._lock:
            known = self._known.get(owner)
            if known is None or now >= known[0]:
                if len(self._known) >= MOST_KEPT:
                    self._known.clear()
                known = self._known[owner] = (now + KEPT, self._approved(owner))
            return known[1]

    def _approved(self, owner: str) -> Approved:
        names: list[str] = []
        after = None
        while True:
            page = self._table.query(keys.whatsapp_templates(owner), after=after)
            names += [item["sk"] for item in page.items if item.get("status") == "approved"]
            after = page.last
            if after is None:
                return frozenset((key, audience, locale) for key, audience, locale in map(_split, names))


def _split(name: str) -> tuple[str, str, str]:
    key, audience, locale = name.split("#")
    return key, audience, locale
