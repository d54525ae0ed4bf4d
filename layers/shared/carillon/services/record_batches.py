"""Many records stated in one call: each as its own PUT would, in the order given, with shared reading.

What all of them name is read in one batch. A record that stands twice is read again the second time, and so is what
names somebody who only came with an earlier item. Whatever dies in the middle has stored a part; stated again, that
part differs in nothing. That holds of a record that stands twice only if its statements say when they were made: else
the repetition would take it back to the first of them, and tell everybody of it and of the second once more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from carillon.domain.errors import Conflict, Contended, Invalid, Refused
from carillon.domain.organizations import Caller
from carillon.domain.times import parse_instant
from carillon.domain.values import value
from carillon.ports.reading import Reader, Snapshot
from carillon.services.records import Put, RecordKeeping, Stated


@value
class Item:
    """A record and what is stated of it."""

    collection: str
    id: str
    stated: Stated


Outcome = Put | Refused
TWICE = "{} stands in this batch already; of each of its items say updated_at, the later one behind the earlier"


class RecordBatches:
    """Use cases on many records at once."""

    def __init__(self, collections: Mapping[str, RecordKeeping[Any]], reader: Reader) -> None:
        self._collections = collections
        self._reader = reader

    def put(self, caller: Caller, items: Sequence[Item | Refused]) -> list[Outcome]:
        """Put each item that could be read, in order; gives what became of each, and what was refused before."""
        known = self._read(caller.org_id, items)
        seen: dict[tuple[str, str], str | None] = {}
        outcomes: list[Outcome] = []
        for place, item in enumerate(items):
            if isinstance(item, Refused):
                outcomes.append(item)
                continue
            place_of = (item.collection, item.id)
            first, at = place_of not in seen, item.stated.updated_at
            if not first and not _is_later(at, seen[place_of]):
                outcomes.append(Conflict("duplicate_key", TWICE.format(f"{item.collection}/{item.id}")))
                continue
            seen[place_of] = at
            outcomes.append(self._put(caller, item, known[place] if first else None))
        return outcomes

    def _put(self, caller: Caller, item: Item, known: Sequence[Snapshot] | None) -> Outcome:
        keeping = self._collections[item.collection]
        try:
            if known is not None:
                try:
                    return keeping.put(caller, item.id, item.stated, known=known)
                except Invalid:
                    # Perhaps for somebody whom an earlier item brought along since the reading.
                    return keeping.put(caller, item.id, item.stated)
            return keeping.put(caller, item.id, item.stated)
        except Refused as error:
            return error
        except Contended:
            busy = Refused("busy", "others are writing the same; repeat the item")
            busy.status = 503
            return busy

    def _read(self, org_id: str, items: Sequence[Item | Refused]) -> dict[int, list[Snapshot]]:
        """Read what all items name at once; gives each item's part."""
        wanted = [
            (place, want)
            for place, item in enumerate(items)
            if isinstance(item, Item)
            for want in self._collections[item.collection].wants(org_id, item.id, item.stated)
        ]
        read = self._reader.read([want for _, want in wanted]) if wanted else []
        found: dict[int, list[Snapshot]] = {}
        for (place, _), snapshot in zip(wanted, read, strict=True):
            found.setdefault(place, []).append(snapshot)
        return found


def _is_later(at: str | None, before: str | None) -> bool:
    return at is not None and before is not None and parse_instant(at) > parse_instant(before)
