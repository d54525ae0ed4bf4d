"""Many records stated in one call: each as its own PUT would, in the order given, with shared reading.

What all of them name is read in one batch. A record that stands twice is read again the second time, and so is what
names somebody who only came with an earlier item. Whatever dies in the middle has stored a part; stated again, that
part differs in nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from carillon.domain.errors import Contended, Invalid, Refused
from carillon.domain.organizations import Caller
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


class RecordBatches:
    """Use cases on many records at once."""

    def __init__(self, collections: Mapping[str, RecordKeeping[Any]], reader: Reader) -> None:
        self._collections = collections
        self._reader = reader

    def put(self, caller: Caller, items: Sequence[Item | Refused]) -> list[Outcome]:
        """Put each item that could be read, in order; gives what became of each, and what was refused before."""
        known = self._read(caller.org_id, items)
        seen: set[tuple[str, str]] = set()
        outcomes: list[Outcome] = []
        for place, item in enumerate(items):
            if isinstance(item, Refused):
                outcomes.append(item)
                continue
            first = (item.collection, item.id) not in seen
            seen.add((item.collection, item.id))
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
