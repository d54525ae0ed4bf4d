"""Cursors of lists: opaque text that fits one list of one organization only.

A cursor holds no key of the table and no secret: the position is a place in the order, which an adapter puts under
keys that it makes from the caller's own organization. The check in front makes a garbled cursor, or one of another
list, an error instead of a wrong page.
"""

import base64
import binascii

from carillon.domain.errors import Fault, Invalid
from carillon.domain.ids import digest

_CHECK = 8


def encode(position: str | None, *scope: str) -> str | None:
    """Make a cursor from a position; `scope` names the list: organization, path, filters."""
    if position is None:
        return None
    text = digest(*scope, position)[:_CHECK] + position
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, *scope: str) -> str:
    """Read the position out of a cursor; raises Invalid (`invalid_cursor`) for one of another list."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    check, position = text[:_CHECK], text[_CHECK:]
    if digest(*scope, position)[:_CHECK] != check:
        raise _invalid()
    return position


def _invalid() -> Invalid:
    message = "is not a cursor of this list with these filters"
    return Invalid([Fault("/cursor", "invalid_cursor", message)], code="invalid_cursor")
