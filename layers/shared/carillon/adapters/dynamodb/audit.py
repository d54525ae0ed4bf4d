"""Audit entries: written in the transaction of the change they tell of."""

import json

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Write
from carillon.domain.codec import to_data
from carillon.domain.times import iso
from carillon.ports.directory import AuditEntry


def audit_write(o: str, entry: AuditEntry) -> Write:
    """Give the write of an entry; `after` is the document as it is since."""
    document = {
        "at": iso(entry.at),
        "actor": dict(entry.actor),
        "what": entry.what,
        "version": entry.version,
        "after": to_data(entry.after),
    }
    item = {"ty": "audit", "doc": json.dumps(document, ensure_ascii=False, separators=(",", ":"))}
    return Write(keys.audit(o, f"{entry.at:%Y%m}", entry.id), item=item)
