"""Organizations' own senders in the table: one item each, beside the organization that holds their states."""

import json
from collections.abc import Mapping
from typing import Any

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.organizations import organization_item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.channels import ALL, Channel
from carillon.domain.errors import NotFound
from carillon.domain.organizations import Organization
from carillon.domain.own_channels import DnsRecord, StoredChannel
from carillon.domain.settings import Settings
from carillon.ports.channels import ChannelChange, ChannelsView
from carillon.ports.directory import Stored

FIELDS = ("id", "phase", "sender", "stated", "kept", "problem", "changed_at")


class DynamoChannels:
    """See the port `ChannelStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, org_id: str) -> ChannelsView:
        """Read everything in one strongly consistent call; NotFound without the organization."""
        organization, settings = keys.organization(org_id), keys.settings(org_id)
        found = self._table.get_many([organization, settings, *(keys.channel(org_id, name) for name in ALL)])
        if organization not in found or settings not in found:
            raise NotFound("there is no such organization")
        items = {name: found.get(keys.channel(org_id, name)) for name in ALL}
        return ChannelsView(
            Stored(codec.loads(Organization, found[organization]["doc"]), found[organization]["v"]),
            Stored(codec.loads(Settings, found[settings]["doc"]), found[settings]["v"]),
            {name: read_channel(name, item) for name, item in items.items() if item is not None},
        )

    def reserve(self, org_id: str, channel: StoredChannel) -> bool:
        """Note an attempt (`version`: as read), and make its id known; False when another writer came first."""
        owner = {"ty": "channel_reference", "o": org_id, "ch": channel.channel}
        return self._transact(
            [_write(org_id, channel), Write(keys.channel_reference(channel.id), item=owner)],
        )

    def save(self, org_id: str, change: ChannelChange) -> bool:
        """Write sender, state, settings and audit at once; False when another writer came first."""
        read = change.view.organization
        writes = [
            _write(org_id, change.after),
            Write(
                keys.organization(org_id),
                item=organization_item(change.organization, read.version + 1),
                condition="v = :v",
                values={"v": read.version},
            ),
            *(audit_write(org_id, entry) for entry in change.audit),
        ]
        if change.settings is not None:
            version = change.view.settings.version
            item = {"ty": "settings", "doc": codec.dumps(change.settings), "v": version + 1}
            writes.append(Write(keys.settings(org_id), item=item, condition="v = :v", values={"v": version}))
        return self._transact(writes)

    def drop(self, org_id: str, channel: StoredChannel) -> bool:
        """Forget a sender and its id; False when another writer came first."""
        gone = Write(
            keys.channel(org_id, channel.channel), delete=True, condition="v = :v", values={"v": channel.version}
        )
        return self._transact([gone, Write(keys.channel_reference(channel.id), delete=True)])

    def forget_templates(self, org_id: str) -> None:
        """Forget the organization's own WhatsApp templates: they belong to an account that it leaves."""
        after = None
        while True:
            page = self._table.query(keys.whatsapp_templates(org_id), limit=100, after=after, consistent=True)
            if page.items:
                self._table.transact([Write((item["pk"], item["sk"]), delete=True) for item in page.items])
            after = page.last
            if after is None:
                return

    def _transact(self, writes: list[Write]) -> bool:
        try:
            self._table.transact(writes)
        except ConditionsFailed:
            return False
        return True


def read_channel(name: Channel, item: Mapping[str, Any]) -> StoredChannel:
    """Read a stored sender."""
    document = json.loads(item["doc"])
    return StoredChannel(
        channel=name,
        version=item["v"],
        revision=item["rev"],
        secrets=tuple(document["secrets"]),
        dns_records=tuple(codec.from_data(DnsRecord, record) for record in document["dns_records"]),
        sealed=item.get("sealed"),
        trying=item.get("trying"),
        **{field: document[field] for field in FIELDS},
    )


def _write(org_id: str, channel: StoredChannel) -> Write:
    document = {field: getattr(channel, field) for field in FIELDS}
    document |= {"secrets": channel.secrets, "dns_records": codec.to_data(channel.dns_records)}
    item: Item = {
        "ty": "channel",
        "doc": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "v": channel.version + 1,
        "rev": channel.revision,
    }
    item |= {name: text for name, text in (("sealed", channel.sealed), ("trying", channel.trying)) if text is not None}
    return Write(
        keys.channel(org_id, channel.channel),
        item=item,
        condition="v = :v" if channel.version else "attribute_not_exists(pk)",
        values={"v": channel.version} if channel.version else {},
    )
