"""Messages as items."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.domain.messages import PROBLEMS, Author, Message, MessageKey, Occasion
from carillon.domain.times import epoch, iso, parse_instant


def message_to_item(o: str, message: Message, retention_days: int) -> Item:
    """Give a new message's attributes, apart from its key."""
    occasion = message.occasion
    item: dict[str, Any] = {
        "ty": "message",
        "id": message.id,
        "st": message.status,
        "ch": message.channel,
        "au": message.audience,
        "to": message.to,
        "rec": occasion.record,
        "evt": occasion.event,
        "v": occasion.version,
        "rem": occasion.reminder,
        "kd": occasion.kind,
        "ki": occasion.id or None,
        "os": occasion.status,
        "start": epoch(occasion.start) if occasion.start else None,
        "key": message.template,
        "or": message.origin,
        "dl": epoch(message.deadline),
        "nb": epoch(message.not_before) if message.not_before else None,
        "rs": message.reason,
        "tried": json.dumps(message.tried, separators=(",", ":")) if message.tried else None,
        "by": _written_by(message.author) if message.author is not None else None,
        "tl": [timeline_entry(at, status, reason) for at, status, reason in message.timeline],
        "pk2": keys.day_messages(o, message.created_at.date().isoformat()),
        "sk2": message.id,
        "qu": message.units or None,
        "qs": message.shard if message.units else None,
        "ttl": epoch(message.created_at + timedelta(days=retention_days)),
    }
    if message.status in PROBLEMS:
        item |= {"pk3": keys.problem_messages(o, message.status), "sk3": message.id}
    return item


def message_from_item(item: Item) -> Message:
    """Read a message."""
    timeline = tuple(_read_entry(entry) for entry in item["tl"])
    return Message(
        key=MessageKey(recipient=item["pk"].partition("#P#")[2], digest=item["sk"][2:]),
        id=item["id"],
        status=item["st"],
        channel=item.get("ch"),
        audience=item["au"],
        to=item.get("to"),
        occasion=Occasion(
            record=item["rec"],
            event=item.get("evt"),
            version=item.get("v"),
            reminder=item.get("rem"),
            start=_instant(item["start"]) if "start" in item else None,
            kind=item.get("kd"),
            id=item.get("ki", ""),
            status=item.get("os"),
        ),
        template=item["key"],
        created_at=timeline[0][0],
        deadline=_instant(item["dl"]),
        origin=item["or"],
        reason=item.get("rs"),
        tried=tuple((channel, reason) for channel, reason in json.loads(item.get("tried", "[]"))),
        not_before=_instant(item["nb"]) if "nb" in item else None,
        fallback_at=_instant(item["fb"]) if "fb" in item else None,
        owner=item.get("ow"),
        lease_until=_instant(item["ls"]) if "ls" in item else None,
        attempt=item.get("an", 0),
        provider_id=item.get("pid"),
        parts=item.get("pa"),
        timeline=timeline,
        author=_read_author(item["by"]) if "by" in item else None,
        listed=tuple(item.get("li", "").split()),
        units=item.get("qu", 0),
        shard=item.get("qs"),
        assumed="qk" in item,
    )


def _written_by(author: Author) -> str:
    marks = ("a" if author.another else "") + ("f" if author.free else "")
    return json.dumps([author.key_id, author.user, marks], separators=(",", ":"))


def _read_author(text: str) -> Author:
    key_id, user, marks = json.loads(text)
    return Author(key_id, user, another="a" in marks, free="f" in marks)


def timeline_entry(at: datetime, status: str, reason: str | None) -> str:
    """Write one step of a timeline."""
    return "|".join([iso(at), status, *([reason] if reason else [])])


def _read_entry(entry: str) -> tuple[datetime, str, str | None]:
    at, status, *reason = entry.split("|", 2)
    return parse_instant(at), status, reason[0] if reason else None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
