"""Records as items: the document, its plan and its outbox in one."""

import json
from datetime import UTC, datetime
from typing import Any

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.domain import codec
from carillon.domain.record_documents import DOCUMENTS
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.domain.times import epoch, iso, parse_instant

STATES = {"p": "planned", "s": "suppressed", "c": "cancelled"}


def plan_to_text(entries: tuple[Planned, ...]) -> str:
    """Write plan entries compactly: a record should stay within one write unit of 1 KB."""
    return json.dumps(
        [[e.key, epoch(e.start), _exact(e.at), e.state[0], e.generation, e.reason, *_rarely(e)] for e in entries],
        separators=(",", ":"),
    )


def plan_from_text(text: str | None) -> tuple[Planned, ...]:
    """Read plan entries."""
    return tuple(
        Planned(
            key,
            _instant(start),
            _instant(at),
            STATES[state],  # type: ignore[arg-type]
            generation,
            reason,
            _instant(rare[0]) if rare and rare[0] is not None else None,
            rare[1] if len(rare) > 1 else "client",
        )
        for key, start, at, state, generation, reason, *rare in json.loads(text or "[]")
    )


def _rarely(entry: Planned) -> list[Any]:
    """Write what few entries have: when they are looked at early, and for whom if not for the client."""
    early = _exact(entry.early) if entry.early is not None else None
    if entry.audience != "client":
        return [early, entry.audience]
    return [early] if early is not None else []


def _exact(at: datetime) -> float | int:
    # A reminder after completion is due at the very microsecond of its PUT; the others fall on whole seconds.
    seconds = epoch(at)
    return at.timestamp() if at.microsecond else seconds


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def record_to_item(o: str, record: StoredRecord, start: datetime) -> Item:
    """Give a record's attributes, apart from its key, its outbox and what the planner writes."""
    start_id = f"{iso(start)}#{record.ref}"
    # With its client a record stays where it began, whatever becomes of it; only a start that is moved moves it there.
    with_client = start_id if record.collection == "appointments" else f"{iso(record.created_at)}#{record.ref}"
    meta: dict[str, Any] = {
        "created_at": iso(record.created_at),
        "accepted_at": iso(record.accepted_at),
        "updated_at": iso(record.updated_at) if record.updated_at else None,
        "completed_at": iso(record.completed_at) if record.completed_at else None,
        "fired": list(record.fired) or None,
        "former": list(record.former) or None,
        "announced": [list(pair) for pair in record.announced] or None,
    }
    return {
        "ty": "record",
        "rec": record.ref,
        "doc": codec.dumps(record.document),
        "meta": json.dumps({k: v for k, v in meta.items() if v is not None}, separators=(",", ":")),
        "v": record.version,
        "pl": plan_to_text(record.plan),
        "pr": record.plan_revision,
        "gone": record.deleted or None,
        "pk1": keys.client_records(o, record.client_id) if record.client_id is not None else None,
        "sk1": with_client if record.client_id is not None else None,
        "pk2": keys.day_records(o, start.date().isoformat()),
        "sk2": start_id,
    }


def record_from_item(item: Item) -> StoredRecord:
    """Read a record."""
    meta = json.loads(item["meta"])
    return StoredRecord(
        ref=item["rec"],
        version=item["v"],
        document=codec.loads(DOCUMENTS[item["rec"].partition("/")[0]], item["doc"]),
        created_at=parse_instant(meta["created_at"]),
        accepted_at=parse_instant(meta["accepted_at"]),
        updated_at=parse_instant(meta["updated_at"]) if "updated_at" in meta else None,
        completed_at=parse_instant(meta["completed_at"]) if "completed_at" in meta else None,
        deleted=item.get("gone", False),
        plan=plan_from_text(item.get("pl")),
        plan_revision=item.get("pr", 0),
        events=tuple(codec.loads(Event, text) for text in item.get("ev", [])),
        planned_version=item.get("pv", 0),
        planned_revision=item.get("ps", 0),
        scheduled=plan_from_text(item.get("sc")),
        fired=tuple(meta.get("fired", ())),
        former=tuple(meta.get("former", ())),
        announced=tuple((kind, version) for kind, version in meta.get("announced", ())),
        start=parse_instant(item["sk2"].partition("#")[0]),
        expires=_instant(item["ttl"]) if "ttl" in item else None,
    )
