"""Adds up an organization's quota from the items as they lie in the table; it imports nothing of the product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

KEEPS = frozenset({"sent", "delivered", "read", "unknown"})
GAVE_BACK = frozenset({"suppressed", "expired", "cancelled"})
Items = Iterable[Mapping[str, Any]]


def unbalanced(org_id: str, items: Items) -> list[str]:
    """Say everything that does not add up in the books of an organization: nothing, if all is exact."""
    mine = [item for item in items if item["pk"].startswith(f"{org_id}#")]
    pools = {item["pk"].rpartition("#")[2]: item for item in mine if item["sk"] == "POOL"}
    messages = [item for item in mine if item.get("ty") == "message"]
    return [fault for bucket, pool in pools.items() for fault in _bucket(org_id, bucket, pool, mine, messages)]


def _bucket(org_id: str, bucket: str, pool: Mapping[str, Any], mine: Items, messages: Items) -> Iterable[str]:
    books = f"{org_id}#Q#{bucket}"
    shards = {item["pk"].rpartition("#")[2]: item for item in mine if item["sk"] == "BAL" and books in item["pk"]}
    credited = sum(
        item["u"] for item in mine if item["pk"] == books and item["sk"].startswith("L#") and item["kd"] == "credit"
    )
    granted = sum(shard["g"] for shard in shards.values())
    if pool["n"] + granted != credited or pool["cr"] != credited:
        yield f"{bucket}: {pool['n']} in the pool and {granted} granted, of {credited}"
    if pool["n"] < 0 or any(shard["f"] < 0 for shard in shards.values()):
        yield f"{bucket}: something is below zero"
    taken: defaultdict[str, int] = defaultdict(int)
    for message in messages:
        if message.get("ch") != bucket or message.get("kd") == "notice":
            continue
        taken[str(message.get("qs"))] += message.get("qu", 0)
        yield from _message(bucket, message)
    for number, shard in shards.items():
        if shard["g"] - shard["f"] != taken[number]:
            yield f"{bucket}: shard {number} says {shard['g'] - shard['f']} are used, messages say {taken[number]}"


def _message(bucket: str, message: Mapping[str, Any]) -> Iterable[str]:
    units, status = message.get("qu", 0), message["st"]
    if status in KEEPS and units != message.get("pa", units or 1):
        yield f"{bucket}: {message['id']} is {status}, was counted as {message.get('pa')} and took {units}"
    if status in GAVE_BACK and units:
        yield f"{bucket}: {message['id']} is {status} and still has {units}"
