"""WhatsApp templates, one item each: the shared sender's under the reserved tenant, an own sender's under its own."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.organizations import OPERATOR_ORG
from carillon.ports.system import Clock
from carillon.ports.texts import StoredTemplate, Submitted

KEPT = timedelta(minutes=5)
"""How long an approved template is remembered in the process; a new text takes over at most that much later."""
MOST_KEPT = 2000

Json = dict[str, Any]


class ContentTemplates:
    """See the port `ContentStore`; `owner` is whose templates are kept in step: `@`, or an organization."""

    def __init__(self, table: Table, clock: Clock, owner: str = OPERATOR_ORG) -> None:
        self._table = table
        self._clock = clock
        self._owner = owner
        self._known: dict[tuple[str, str, str, str], tuple[datetime, StoredTemplate]] = {}

    def all(self) -> list[StoredTemplate]:
        """Read every template."""
        found: list[StoredTemplate] = []
        after: Mapping[str, str] | None = None
        while True:
            page = self._table.query(keys.whatsapp_templates(self._owner), after=after, consistent=True)
            found += [_read(item) for item in page.items]
            after = page.last
            if after is None:
                return found

    def put(self, template: StoredTemplate) -> None:
        """Store a template, in place of the one of the same text."""
        item: Json = {"ty": "whatsapp_template", "status": template.current.status, "doc": _written(template)}
        place = keys.whatsapp_template(self._owner, template.key, template.audience, template.locale)
        self._table.write(Write(place, item=item))

    def find(self, key: str, audience: str, locale: str, *, owner: str | None = None) -> StoredTemplate | None:
        """Find an approved template (of another owner's); None when there is none."""
        name, now = (owner or self._owner, key, audience, locale), self._clock.now()
        remembered = self._known.get(name)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        item = self._table.get(keys.whatsapp_template(*name), consistent=False)
        if item is None or item.get("status") != "approved":
            # A miss is not remembered: whoever asks was told meanwhile that there is one.
            return None
        found = _read(item)
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[name] = (now + KEPT, found)
        return found


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
