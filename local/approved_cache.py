"""Approved WhatsApp templates kept beside the state, so that an emptied local cloud has them again at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.store import Store

_BATCH = 25
_CONTENT = "content HX"


class ApprovedCache:
    """The templates of one fingerprint of the texts: Twilio's side and the table's."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._path = folder / f"approved-{fingerprint[:20]}.json"

    def restore(self, store: Store, dynamodb: Any, table: str) -> bool:
        """Put back what was saved; answers whether there was anything."""
        if not self._path.exists():
            return False
        saved = json.loads(self._path.read_text())
        for name, document in saved["content"].items():
            store.put_note(name, document)
        requests = [{"PutRequest": {"Item": item}} for item in saved["items"]]
        for start in range(0, len(requests), _BATCH):
            dynamodb.batch_write_item(RequestItems={table: requests[start : start + _BATCH]})
        return True

    def save(self, store: Store, dynamodb: Any, table: str) -> None:
        """Save what the approval made."""
        names = [row[0] for row in store.execute("SELECT name FROM notes WHERE name GLOB ?", (f"{_CONTENT}*",))]
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="ty = :ty",
            ExpressionAttributeValues={":ty": {"S": "whatsapp_template"}},
        )
        items = [item for page in pages for item in page["Items"]]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"content": {n: store.get_note(n) for n in names}, "items": items}))
        temporary.replace(self._path)
