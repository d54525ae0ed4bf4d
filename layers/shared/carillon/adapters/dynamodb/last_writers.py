"""Who wrote last to a person from a shared sender: one item per person, under the reserved tenant."""

from datetime import datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.messages import MessageKey
from carillon.domain.spellings import one_spelling
from carillon.domain.times import epoch

KIND_OF_NOTE = "last_writer"


class DynamoLastWriters:
    """See the port `LastWriters`. `o` and `w`: the last organization and its message; `po` and `pw`: the one before."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, sender: str, address: str, org_id: str, key: MessageKey, until: datetime) -> None:
        """Note a message: one call, and another one when the organization is not the one that wrote last."""
        place = keys.last_writer(sender, one_spelling(address))
        values = {"o": org_id, "w": f"{key.recipient} {key.digest}", "ttl": epoch(until)}
        names = {"o": "o", "w": "w", "ttl": "ttl", "ty": "ty"}
        written = "SET #ty = :ty, #o = :o, #w = :w, #ttl = :ttl"
        same = Write(place, update=written, condition="#o = :o", values=values | {"ty": KIND_OF_NOTE}, names=names)
        if self._table.write(same):
            return
        # What stood there is what people go on answering until this message has reached them.
        before = {"po": "po", "pw": "pw"}
        update = written + ", #po = if_not_exists(#o, :none), #pw = if_not_exists(#w, :none)"
        self._table.write(
            Write(
                place,
                update=update,
                condition="attribute_not_exists(#o) OR #o <> :o",
                values=values | {"ty": KIND_OF_NOTE, "none": ""},
                names=names | before,
            )
        )

    def of(self, sender: str, address: str) -> list[tuple[str, MessageKey]]:
        """Give organization and message of the last ones, newest first; one read."""
        item = self._table.get(keys.last_writer(sender, one_spelling(address)))
        if item is None:
            return []
        pairs = ((item["o"], item["w"]), (item.get("po", ""), item.get("pw", "")))
        return [(o, MessageKey(*w.split(" "))) for o, w in pairs if o]

    def forget(self, place: keys.Key, org_id: str) -> None:
        """Take a removed organization out of a note; whoever wrote before it is the last one then. May be repeated."""
        values, names = {"gone": org_id}, {"o": "o", "po": "po"}
        alone = "#o = :gone AND (attribute_not_exists(#po) OR #po = :gone OR #po = :none)"
        nobody = Write(place, delete=True, condition=alone, values=values | {"none": ""}, names=names)
        behind = Write(place, update="REMOVE #po, pw", condition="#po = :gone", values=values, names={"po": "po"})
        ahead = Write(
            place, update="SET #o = #po, w = pw REMOVE #po, pw", condition="#o = :gone", values=values, names=names
        )
        for change in (nobody, ahead, behind):
            if self._table.write(change):
                return
