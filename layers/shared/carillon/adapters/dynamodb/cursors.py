"""Cursors of listings: opaque to the caller, bound to the organization they were made for."""

import base64
import binascii
import json
from typing import Any

from carillon.domain.errors import Refused
from carillon.domain.ids import digest

CHECK = 8


def write_cursor(place: dict[str, Any], org_id: str) -> str:
    """Write a place in a listing as text for the caller."""
    body = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(f"{digest(org_id, body)[:CHECK]}{body}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, org_id: str) -> dict[str, Any]:
    """Read a cursor; refuses one that was made for another listing's organization, or by somebody else.

    The check is no secret: it catches a mix-up, and the organization of the keys never comes from the cursor.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        place = json.loads(text[CHECK:])
    except (ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise _invalid() from error
    if not isinstance(place, dict) or digest(org_id, text[CHECK:])[:CHECK] != text[:CHECK]:
        raise _invalid()
    return place


def _invalid() -> Refused:
    refusal = Refused("invalid_cursor", "The cursor is not one that this listing gave out.")
    refusal.status = 422
    return refusal
