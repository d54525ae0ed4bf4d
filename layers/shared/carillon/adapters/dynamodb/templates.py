"""An organization's own texts in the table: one item each, one per version, and one that lists those in force."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, Literal

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.audit import audit_write
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain import codec
from carillon.domain.errors import NotFound
from carillon.domain.listing import Page
from carillon.domain.messages import MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import MAX_OWN_TEXTS, OwnTexts, Place, mark
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText
from carillon.domain.times import epoch, iso
from carillon.domain.trials import TrialText
from carillon.ports.texts import StoredText, TemplateView, TextChange, TextVersion

ADDRESS = "t:"
"""Begins the attributes of the list that stand for an own text, so that each can be set without reading the others."""
KEPT = 128
"""How many own texts a process remembers."""


class DynamoTemplates:
    """See the port `TemplateStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, org_id: str, places: Sequence[Place], *, listed: bool = False) -> TemplateView:
        """Read in one call."""
        organization, settings, index = keys.organization(org_id), keys.settings(org_id), keys.template_index(org_id)
        by_key = {keys.template(org_id, *place.parts()): place for place in places}
        items = self._table.get_many([organization, settings, *([index] if listed else []), *by_key])
        if organization not in items or settings not in items:
            raise NotFound("there is no such organization")
        return TemplateView(
            organization=codec.loads(Organization, items[organization]["doc"]),
            settings=codec.loads(Settings, items[settings]["doc"]),
            texts={place: _stored(items[key]) for key, place in by_key.items() if key in items},
            own=own_texts(items.get(index)),
        )

    def texts(self, org_id: str, places: Sequence[Place]) -> dict[Place, StoredText]:
        """Read what stands at addresses."""
        by_key = {keys.template(org_id, *place.parts()): place for place in places}
        return {by_key[key]: _stored(item) for key, item in self._table.get_many(by_key).items()}

    def save(self, org_id: str, change: TextChange) -> Literal["saved", "overtaken", "full"]:
        """Write everything in one transaction."""
        entry = change.audit
        text: Item = {"v": entry.version, "at": iso(entry.at)}
        if change.text is not None:
            text["doc"] = codec.dumps(change.text)
        place = change.place
        version: Item = {"ty": "template_version", "by": json.dumps(dict(entry.actor)), **text}
        writes = [
            Write(
                keys.template(org_id, *place.parts()),
                item={"ty": "template", **text},
                condition="v = :v" if change.before else "attribute_not_exists(pk)",
                values={"v": change.before.version} if change.before else {},
            ),
            _listing(org_id, change),
            Write(keys.template_version(org_id, str(place), entry.version), item=version),
            audit_write(org_id, entry),
        ]
        try:
            self._table.transact(writes)
        except ConditionsFailed as error:
            return "overtaken" if 0 in error.failed else "full"
        return "saved"

    def versions(self, org_id: str, place: Place, limit: int, position: str | None) -> Page[TextVersion]:
        """List them, newest first."""
        pk, sk = keys.template_version(org_id, str(place), 0)
        prefix = sk.rpartition("#")[0] + "#"
        after = {"pk": pk, "sk": prefix + position} if position else None
        page = self._table.query(pk, prefix=prefix, limit=limit, after=after, descending=True, consistent=True)
        found = [
            TextVersion(item["v"], _text(item), at=item["at"], actor=json.loads(item["by"])) for item in page.items
        ]
        return Page(found, page.last["sk"].removeprefix(prefix) if page.last else None)


def own_texts(index: Item | None) -> OwnTexts:
    """Read the list of own texts in force."""
    if index is None:
        return OwnTexts()
    return OwnTexts({name.removeprefix(ADDRESS): told for name, told in index.items() if name.startswith(ADDRESS)})


def _listing(org_id: str, change: TextChange) -> Write:
    """Set or remove one address of the list, and keep count."""
    text, listed = change.text, change.before is not None and change.before.text is not None
    values: dict[str, Any] = {"ty": "template_index"}
    condition = None
    if text is not None:
        update = "SET ty = :ty, #a = :mark"
        values["mark"] = mark(change.audit.version, content=text.whatsapp is not None)
    else:
        update = "SET ty = :ty REMOVE #a"
    if text is not None and not listed:
        update += " ADD n :by"
        condition = "attribute_not_exists(n) OR n < :most"
        values |= {"by": 1, "most": MAX_OWN_TEXTS}
    elif text is None and listed:
        update += " ADD n :by"
        values["by"] = -1
    names = {"a": ADDRESS + str(change.place)}
    return Write(keys.template_index(org_id), update=update, condition=condition, values=values, names=names)


class OwnTextLookup:
    """Finds own texts for messages, and remembers them: a version never changes, so a text is read once a process."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[tuple[str, Place], StoredText] = {}
        self._lock = Lock()

    def find(self, org_id: str, place: Place, own: OwnTexts) -> OwnText | None:
        """Give the own text at a place; None when the organization has none there."""
        version = own.version(place)
        if version is None:
            return None
        with self._lock:
            known = self._known.get((org_id, place))
        if known is None or known.version < version:
            item = self._table.get(keys.template(org_id, *place.parts()))
            if item is None:
                return None
            known = _stored(item)
            with self._lock:
                if len(self._known) >= KEPT:
                    self._known.clear()
                self._known[org_id, place] = known
        return known.text


def _stored(item: Mapping[str, Any]) -> StoredText:
    return StoredText(item["v"], _text(item), item["at"])


def _text(item: Mapping[str, Any]) -> OwnText | None:
    return codec.loads(OwnText, item["doc"]) if "doc" in item else None


class DynamoTrialTexts:
    """See the port `TrialTexts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, org_id: str, key: MessageKey, trial: TrialText, until: datetime) -> None:
        """Write it."""
        item: Item = {"ty": "message_body", "doc": codec.dumps(trial), "ttl": epoch(until)}
        self._table.write(Write(keys.message_body(org_id, key.recipient, key.digest), item=item))

    def find(self, org_id: str, key: MessageKey) -> TrialText | None:
        """Read it; None when it is gone."""
        item = self._table.get(keys.message_body(org_id, key.recipient, key.digest))
        return codec.loads(TrialText, item["doc"]) if item is not None else None
