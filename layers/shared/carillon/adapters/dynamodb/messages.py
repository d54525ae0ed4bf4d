"""Messages in the table: created once, claimed once, and moved only along the allowed moves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.message_items import message_from_item, message_to_item, timeline_entry
from carillon.adapters.dynamodb.message_listing import MessageListing, is_kept
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.ids import ulid_time
from carillon.domain.listing import Page
from carillon.domain.messages import LEASE, MOVES, PROBLEMS, Message, MessageFilter, MessageKey
from carillon.domain.times import epoch
from carillon.ports.messages import Claim, Moved


class DynamoMessages:
    """See the port `Messages`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._listing = MessageListing(table)

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Store a message unless it exists."""
        return self._table.write(creation(org_id, message, retention_days))

    def require(self, org_id: str, key: MessageKey, version: int) -> bool:
        """Bind a queued message to a record's version; the claim checks it. A binding is never loosened."""
        place = keys.message(org_id, key.recipient, key.digest)
        bound = self._table.write(
            Write(
                place,
                update="SET #rv = :rv",
                condition="#st = :queued AND (attribute_not_exists(#rv) OR #rv < :rv)",
                values={"rv": version, "queued": "queued"},
                names={"rv": "rv", "st": "st"},
            )
        )
        if bound:
            return True
        stored = self._table.get(place)
        return stored is not None and int(stored.get("rv", 0)) >= version

    def claim(self, org_id: str, message: Message, claim: Claim) -> bool:
        """Move a queued message to `sending`: the one write before the provider's call."""
        values = {"ow": claim.owner, "ls": epoch(claim.now + LEASE), "an": message.attempt + 1, "to": claim.to}
        write = _move(org_id, message.key, message.id, Moved("sending", claim.now), values)
        condition = "#st = :queued AND (attribute_not_exists(#an) OR #an < :an)"
        condition += " AND (attribute_not_exists(#rv) OR #rv <= :rv)"
        return self._table.write(_with(write, condition, {"queued": "queued", "rv": claim.version}, {"rv": "rv"}))

    def abandon(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `sending` whose lease is over, fenced by the owner who held it."""
        write = _move(org_id, message.key, message.id, moved, {})
        values = {"sending": "sending", "ow": message.owner, "now": epoch(moved.at)}
        condition = "#st = :sending AND #ow = :ow AND #ls <= :now"
        return self._table.write(_with(write, condition, values, {"ow": "ow", "ls": "ls"}))

    def finish(
        self,
        org_id: str,
        message: Message,
        moved: Moved,
        *,
        owner: str,
        then: Message | None = None,
        retention_days: int = 90,
    ) -> bool:
        """Write the outcome of a claimed message, if the claim is still this owner's."""
        write = _move(org_id, message.key, message.id, moved, {})
        write = _with(write, "#st = :sending AND #ow = :ow", {"sending": "sending", "ow": owner}, {"ow": "ow"})
        if then is None:
            return self._table.write(write)
        try:
            self._table.transact([write, creation(org_id, then, retention_days)])
        except ConditionsFailed as error:
            # The fallback is the same occurrence on the next channel: when it exists, the outcome alone is missing.
            return self._table.write(write) if error.failed == (1,) else False
        return True

    def withdraw(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `queued`, or defer it, without sending."""
        again = bool(message.timeline) and message.timeline[-1][1:] == (moved.status, moved.reason)
        write = _move(org_id, message.key, message.id, moved, {}, silent=moved.status == "queued" and again)
        return self._table.write(_with(write, "#st = :queued", {"queued": "queued"}, {}))

    def give_turn(self, org_id: str, message: Message, then: Message | None, *, retention_days: int) -> bool:
        """Store the next channel's message, once, beside one that had no receipt in time."""
        write = Write(
            keys.message(org_id, message.key.recipient, message.key.digest),
            update="REMOVE #fb",
            condition="#st = :sent AND attribute_exists(#fb)",
            values={"sent": "sent"},
            names={"st": "st", "fb": "fb"},
        )
        if then is None:
            return self._table.write(write)
        try:
            self._table.transact([write, creation(org_id, then, retention_days)])
        except ConditionsFailed as error:
            return self._table.write(write) if error.failed == (1,) else False
        return True

    def receipt(self, org_id: str, key: MessageKey, moved: Moved) -> bool:
        """Apply a provider's report; a status never goes back, and nothing erased comes to life again."""
        closed = {"queued", "delivered"} if moved.soft else {"queued"}
        before = sorted(status for status, after in MOVES.items() if moved.status in after and status not in closed)
        names = {f"s{n}": status for n, status in enumerate(before)}
        condition = f"attribute_exists(pk) AND #st IN ({', '.join(f':{name}' for name in names)})"
        message_id = ""
        if moved.status in PROBLEMS:  # only then the sparse index needs the id, and a read
            stored = self._table.get(keys.message(org_id, key.recipient, key.digest))
            if stored is None:
                return False
            message_id = stored["id"]
        return self._table.write(_with(_move(org_id, key, message_id, moved, {}), condition, names, {}))

    def find(self, org_id: str, message_id: str, *, now: datetime) -> Message | None:
        """Find a message by its public id, whose time names the day it lies under."""
        try:
            day = ulid_time(message_id).date().isoformat()
        except ValueError:
            return None
        partition = keys.day_messages(org_id, day)
        page = self._table.query(partition, index="gsi2", between=(message_id, message_id), limit=1)
        item = self._table.get((page.items[0]["pk"], page.items[0]["sk"])) if page.items else None
        return message_from_item(item) if item is not None and is_kept(item, now) else None

    def among(self, org_id: str, keys_of: Sequence[MessageKey], *, now: datetime) -> list[Message]:
        """Read those of some messages that there are."""
        places = [keys.message(org_id, key.recipient, key.digest) for key in keys_of]
        found = self._table.get_many(places)
        return [message_from_item(found[place]) for place in places if place in found and is_kept(found[place], now)]

    def page(
        self, org_id: str, wanted: MessageFilter, *, limit: int, position: str | None, now: datetime
    ) -> Page[Message]:
        """List messages, newest first."""
        return self._listing.page(org_id, wanted, limit=limit, position=position, now=now)


def creation(o: str, message: Message, retention_days: int) -> Write:
    """Build the write that stores a message unless it exists."""
    return Write(
        keys.message(o, message.key.recipient, message.key.digest),
        item=message_to_item(o, message, retention_days),
        condition="attribute_not_exists(pk)",
    )


def _move(
    o: str, key: MessageKey, message_id: str, moved: Moved, more: dict[str, object], *, silent: bool = False
) -> Write:
    """Build the update of a move: status, reason, timeline, and the sparse index of problem statuses."""
    values: dict[str, object] = {
        "st": moved.status,
        "rs": moved.reason,
        "pid": moved.provider_id,
        "pa": moved.parts,
        "nb": epoch(moved.not_before) if moved.not_before else None,
        "fb": epoch(moved.fallback_at) if moved.fallback_at else None,
        "dl": epoch(moved.deadline) if moved.deadline else None,
        **more,
    }
    problem = moved.status in PROBLEMS
    if problem:
        values |= {"pk3": keys.problem_messages(o, moved.status), "sk3": message_id}
    kept = {name: value for name, value in values.items() if value is not None}
    # A reason or a claim belongs to its status; what a provider said once (its id) stays.
    gone = [name for name in ("rs", "nb", "fb") if name not in kept]
    gone += [] if problem else ["pk3", "sk3"]
    gone += [] if moved.status == "sending" else ["ow", "ls"]
    step = {} if silent else {"step": [timeline_entry(moved.at, moved.status, moved.reason)]}
    assignments = [f"#{name} = :{name}" for name in kept] + ["#tl = list_append(#tl, :step)"] * len(step)
    return Write(
        keys.message(o, key.recipient, key.digest),
        update=f"SET {', '.join(assignments)} REMOVE {', '.join(f'#{name}' for name in gone)}",
        values=kept | step,
        names={name: name for name in [*kept, *gone, *(["tl"] if step else [])]},
    )


def _with(write: Write, condition: str, values: Mapping[str, object], names: dict[str, str]) -> Write:
    return Write(
        write.key,
        update=write.update,
        condition=condition,
        values={**write.values, **values},
        names={**write.names, **names},
    )
