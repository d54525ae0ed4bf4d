"""The shared sender's WhatsApp templates, one item each under the reserved tenant."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.table import Table, Write
from carillon.ports.system import Clock
from carillon.ports.texts import StoredTemplate, Submitted

PARTITION = "@#WAT"
KEPT = timedelta(minutes=5)
"""How long an approved template is remembered in the process; a new text takes over at most that much later."""

Json = dict[str, Any]


class ContentTemplates:
    """See the port `ContentStore`."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[datetime, StoredTemplate]] = {}

    def all(self) -> list[StoredTemplate]:
        """Read every template."""
        found: list[StoredTemplate] = []
        after: Mapping[str, str] | None = None
        while True:
            page = self._table.query(PARTITION, after=after, consistent=True)
            found += [_read(item) for item in page.items]
            after = page.last
            if after is None:
                return found

    def put(self, template: StoredTemplate) -> None:
        """Store a template, in place of the one of the same text."""
        item: Json = {"ty": "whatsapp_template", "status": template.current.status, "doc": _written(template)}
        self._table.write(Write(_key(template.key, template.audience, template.locale), item=item))

    def find(self, key: str, audience: str, locale: str) -> StoredTemplate | None:
        """Find an approved template; None when there is none."""
        name, now = (key, audience, locale), self._clock.now()
        remembered = self._known.get(name)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        item = self._table.get(_key(*name), consistent=False)
        if item is None or item.get("status") != "approved":
            # A miss is not remembered: whoever asks was told meanwhile that there is one.
            return None
        found = _read(item)
        self._known[name] = (now + KEPT, found)
        return found


def _key(key: str, audience: str, locale: str) -> Key:
    return PARTITION, f"{key}#{audience}#{locale}"


def _written(template: StoredTemplate) -> str:
    waiting = template.waiting
    return json.dumps(
        {"current": _fields(template.current), "waiting": _fields(waiting) if waiting else None}, ensure_ascii=False
    )


def _fields(submitted: Submitted) -> Json:
    return {name: getattr(submitted, name) for name in (field.name for field in fields(Submitted))}


def _read(item: Mapping[str, Any]) -> StoredTemplate:
    key, audience, locale = item["sk"].split("#")
    document = json.loads(item["doc"])
    waiting = document["waiting"]
    return StoredTemplate(
        key, audience, locale, Submitted(**document["current"]), Submitted(**waiting) if waiting else None
    )
