"""The states of organizations' own senders, changed within the organization's item."""

from dataclasses import replace

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.messages import creation
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.errors import Contended
from carillon.domain.messages import Message
from carillon.domain.organizations import Organization

ROUNDS = 5


class DynamoChannelStates:
    """See the port `ChannelStates`."""

    def __init__(self, table: Table) -> None:
        self._table = table

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
        """Put one state in the place of another, if it is still that one.

        The document itself is compared and the version stays: plans don't depend on a pause, and a version that rises
        has every appointment planned anew. Whoever writes the organization at the same time writes over the pause,
        which the next refusal brings back.
        """
        place = keys.organization(org_id)
        for _ in range(ROUNDS):
            item = self._table.get(place)
            if item is None:
                return False
            organization = codec.loads(Organization, item["doc"])
            if organization.channels.get(channel) != before:
                return False
            changed = replace(organization, channels=organization.channels | {channel: after})
            write = Write(
                place,
                update="SET #doc = :doc",
                condition="#doc = :was",
                values={"doc": codec.dumps(changed), "was": item["doc"]},
                names={"doc": "doc"},
            )
            if self._written(write, org_id, notice, retention_days):
                return True
        raise Contended(f"the organization of {channel} kept changing")

    def _written(self, write: Write, org_id: str, notice: Message | None, retention_days: int) -> bool:
        if notice is None:
            return self._table.write(write)
        try:
            self._table.transact([write, creation(org_id, notice, retention_days)])
        except ConditionsFailed as error:
            # A notice that exists already was stored with an earlier pause of the same instant.
            return self._table.write(write) if error.failed == (1,) else False
        return True
