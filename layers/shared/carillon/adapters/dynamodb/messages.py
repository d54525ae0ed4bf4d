"""Messages in the table: created once, claimed once, and moved only along the allowed moves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.message_items import message_from_item, message_to_item, timeline_entry
from carillon.adapters.dynamodb.message_listing import MessageListing, is_kept
from carillon.adapters.dynamodb.quota_taking import Taking, given_back
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.ids import ulid_time
from carillon.domain.listing import Page
from carillon.domain.messages import LEASE, MOVES, PROBLEMS, Message, MessageFilter, MessageKey
from carillon.domain.quota import Exhausted
from carillon.domain.rates import RATE_LIMITED
from carillon.domain.times import epoch
from carillon.ports.messages import Claim, Moved


class DynamoMessages:
    """See the port `Messages`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._listing = MessageListing(table)
        self._taking = Taking(table)

    def create(self, org_id: str, message: Message, *, retention_days: int) -> bool:
        """Store a message unless it exists, with the units it takes."""
        return self._with_following(org_id, [], message, retention_days)

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
        """Move a queued message to `sending`: the one write before the provider's call, with the units it takes."""
        more = claim.units - message.units if message.units and claim.units is not None else 0
        values: dict[str, object] = {"ow": claim.owner, "ls": epoch(claim.now + LEASE), "an": message.attempt + 1}
        values |= {"to": claim.to} | ({"qu": claim.units} if more else {})
        # What an earlier try listed is overwritten even by nothing.
        values |= {"li": " ".join(claim.listed)} if claim.listed or message.listed else {}
        write = _move(org_id, message.key, message.id, Moved("sending", claim.now), values)
        condition = "#st = :queued AND (attribute_not_exists(#an) OR #an < :an)"
        condition += " AND (attribute_not_exists(#rv) OR #rv <= :rv)"
        write = _with(write, condition, {"queued": "queued", "rv": claim.version}, {"rv": "rv"})
        return self._adjusting(org_id, message, write, more, claim.now)

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
        gone = given_up(message, moved)
        more = moved.parts - message.units if moved.status == "sent" and moved.parts and message.units else 0
        write = _move(org_id, message.key, message.id, moved, {"qu": moved.parts} if more else {}, gone=gone)
        write = _with(write, "#st = :sending AND #ow = :ow", {"sending": "sending", "ow": owner}, {"ow": "ow"})
        if not more:
            return self._with_following(org_id, [write, *_back(org_id, message, gone)], then, retention_days)
        try:
            return self._adjusting(org_id, message, write, more, moved.at)
        except Exhausted:
            # It has gone out: what its provider counted beyond what was left is not taken.
            return self.finish(org_id, replace(message, units=0), moved, owner=owner)

    def withdraw(self, org_id: str, message: Message, moved: Moved) -> bool:
        """Move a message out of `queued`, or defer it, without sending."""
        again, gone = bool(message.timeline), given_up(message, moved)
        again = again and message.timeline[-1][1:] == (moved.status, moved.reason)
        silent = moved.status == "queued" and again
        write = _move(org_id, message.key, message.id, moved, {}, silent=silent, gone=gone)
        if not gone:
            return self._table.write(_with(write, "#st = :queued", {"queued": "queued"}, {}))
        # Whoever claimed it meanwhile, and put it back, may have changed what it takes.
        values = {"queued": "queued", "qu": message.units, "qs": message.shard}
        write = _with(write, "#st = :queued AND #qu = :qu AND #qs = :qs", values, {})
        return self._together([write, *_back(org_id, message, gone)])

    def postpone(self, org_id: str, key: MessageKey, until: datetime, *, at: datetime) -> bool:
        """Note in a queued message that it waits for its slot, unless it waits for something anyhow."""
        write = _move(org_id, key, "", Moved("queued", at, RATE_LIMITED, not_before=until), {})
        condition = "#st = :queued AND (attribute_not_exists(#nb) OR #nb <= :now)"
        return self._table.write(_with(write, condition, {"queued": "queued", "now": epoch(at)}, {}))

    def give_turn(self, org_id: str, message: Message, then: Message | None, *, retention_days: int) -> bool:
        """Store the next channel's message, once, beside one that had no receipt in time."""
        write = Write(
            keys.message(org_id, message.key.recipient, message.key.digest),
            update="REMOVE #fb",
            condition="#st = :sent AND attribute_exists(#fb)",
            values={"sent": "sent"},
            names={"st": "st", "fb": "fb"},
        )
        return self._with_following(org_id, [write], then, retention_days)

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

    def _with_following(self, o: str, first: Sequence[Write], then: Message | None, retention_days: int) -> bool:
        """Store a message, with the units it takes, together with what causes it."""
        if then is None:
            return self._together(first)
        bucket = then.channel if then.units else None
        if bucket is None and not first:
            return self._table.write(creation(o, then, retention_days))

        def build(units: int, shard: int) -> list[Write]:
            return [*first, creation(o, replace(then, units=units, shard=shard), retention_days)]

        try:
            if bucket is not None:
                self._taking.take(o, bucket, then.units, build, then.created_at, at_least=1)
            else:
                self._table.transact([*first, creation(o, then, retention_days)])
        except ConditionsFailed as error:
            # The message is the same occasion's, so when it exists, only what causes it is missing.
            return self._together(first) if first and error.failed == (len(first),) else False
        return True

    def _adjusting(self, o: str, message: Message, write: Write, more: int, now: datetime) -> bool:
        """Do a message's write, with so many units more, or fewer, than it has; raises Exhausted."""
        if not more or message.channel is None:
            return self._table.write(write)
        shard = message.shard or 0
        if more < 0:
            return self._together([write, given_back(o, message.channel, shard, -more)])
        try:
            self._taking.take(o, message.channel, more, lambda *_: [write], now, shard=shard)
        except ConditionsFailed:
            return False
        return True

    def _together(self, writes: Sequence[Write]) -> bool:
        if len(writes) == 1:
            return self._table.write(writes[0])
        try:
            self._table.transact(writes)
        except ConditionsFailed:
            return False
        return True


GIVING_BACK = frozenset({"suppressed", "cancelled", "expired", "failed"})


def given_up(message: Message, moved: Moved) -> tuple[str, ...]:
    """Name the attributes that go where a message gives its units back: it left the queue, or its claim, unsent."""
    return ("qu", "qs") if message.units and moved.status in GIVING_BACK else ()


def _back(o: str, message: Message, gone: Sequence[str]) -> list[Write]:
    return [given_back(o, str(message.channel), message.shard or 0, message.units)] if gone else []


def creation(o: str, message: Message, retention_days: int) -> Write:
    """Build the write that stores a message unless it exists."""
    return Write(
        keys.message(o, message.key.recipient, message.key.digest),
        item=message_to_item(o, message, retention_days),
        condition="attribute_not_exists(pk)",
    )


def _move(
    o: str,
    key: MessageKey,
    message_id: str,
    moved: Moved,
    more: Mapping[str, object],
    *,
    silent: bool = False,
    gone: Sequence[str] = (),
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
    gone = [*gone, *(name for name in ("rs", "nb", "fb") if name not in kept)]
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
