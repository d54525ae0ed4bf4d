"""Ids made here: ULIDs for what people read, hashes for what must be the same every time."""

import base64
import hashlib
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BYTES = 10


def ulid(now: datetime, randomness: bytes) -> str:
    """Make a ULID from an instant and 10 random bytes."""
    if len(randomness) != _RANDOM_BYTES:
        raise ValueError("a ULID takes 10 random bytes")
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(randomness)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def ulid_time(value: str) -> datetime:
    """Read the instant (milliseconds) out of a ULID; ValueError if it is none."""
    if len(value) != 26 or value[0] > "7":  # noqa: PLR2004 - a ULID has 26 characters
        raise ValueError("not a ULID")
    number = 0
    for char in value:
        number = number * 32 + _CROCKFORD.index(char)
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)


def digest(*parts: str) -> str:
    """Hash parts into 32 characters [a-z2-7]: the same parts give the same id, whoever computes it."""
    raw = hashlib.sha256("\x1f".join(parts).encode()).digest()[:20]
    return base64.b32encode(raw).decode().lower()
