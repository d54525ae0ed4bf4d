"""Devices in the table: in the documents of their people, and whose each endpoint is in a claim beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.client_writes import document_write
from carillon.adapters.dynamodb.staff import staff_write
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.clients import Client, Staff
from carillon.domain.reach import Platform
from carillon.domain.times import epoch
from carillon.ports.channels import ChannelStore
from carillon.ports.devices import DeviceClaim, DeviceOwner
from carillon.ports.directory import ClientChange, Stored

GIVEN_UP = timedelta(days=1)
"""How long a claim that was given up keeps its endpoint from being taken: far longer than its deletion can take."""


class DynamoDevices:
    """See the port `DeviceStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def owner(self, org_id: str, ref: str) -> DeviceOwner | None:
        """Read a person, and the one that an id leads to since they were merged."""
        kind, _, who = ref.partition(":")
        if kind == "s":
            item = self._table.get(keys.staff(org_id, who))
            return DeviceOwner(ref, codec.loads(Staff, item["doc"]), item["v"]) if item else None
        item = self._table.get(keys.client(org_id, who)) if kind == "c" else None
        if item is None:
            return None
        client = codec.loads(Client, item["doc"])
        if client.alias_of is not None:
            return self.owner(org_id, f"c:{client.alias_of}")
        return DeviceOwner(ref, client, item["v"])

    def claims(self, org_id: str, endpoints: Sequence[str]) -> Mapping[str, DeviceClaim]:
        """Read whose endpoints are."""
        places = {endpoint: keys.device_claim(org_id, endpoint) for endpoint in endpoints}
        found = self._table.get_many(places.values())
        return {
            endpoint: DeviceClaim(endpoint, item.get("c"), item["v"])
            if (item := found.get(place)) is not None
            else DeviceClaim(endpoint)
            for endpoint, place in places.items()
        }

    def save(self, org_id: str, owners: Sequence[DeviceOwner], claims: Sequence[DeviceClaim], now: datetime) -> bool:
        """Write people and claims at once; False when another writer came first."""
        writes = [_owner_write(org_id, owner) for owner in owners]
        writes += [_claim_write(org_id, claim, now) for claim in claims]
        try:
            self._table.transact(writes)
        except ConditionsFailed:
            return False
        return True


class StoredPushApplications:
    """See the port `PushApplications`: those that connecting push made, as they are kept with the channel."""

    def __init__(self, channels: ChannelStore) -> None:
        self._channels = channels

    def of(self, org_id: str) -> Mapping[Platform, str]:
        """Name the application of each platform that is connected."""
        view = self._channels.read(org_id)
        state, stored = view.organization.document.channels.get("push"), view.channels.get("push")
        if state is None or stored is None or stored.phase != "connected":
            return {}
        platforms: tuple[Platform, ...] = ("fcm", "apns")
        # Of test data nothing leaves, so there is no application: that it was stated is enough.
        return {name: stored.kept.get(name, "") for name in platforms if name in stored.secrets}


def _owner_write(o: str, owner: DeviceOwner) -> Write:
    if isinstance(owner.person, Staff):
        return staff_write(o, Stored(owner.person, owner.version))
    before = Stored(replace(owner.person), owner.version)
    return document_write(o, ClientChange(before, owner.person, guarded=False))


def _claim_write(o: str, claim: DeviceClaim, now: datetime) -> Write:
    return Write(
        keys.device_claim(o, claim.endpoint),
        item={
            "ty": "device",
            "v": claim.version + 1,
            "c": claim.owner,
            "ttl": epoch(now + GIVEN_UP) if claim.owner is None else None,
        },
        condition="v = :v" if claim.version else "attribute_not_exists(pk)",
        values={"v": claim.version} if claim.version else {},
    )
