"""Tokens that name a message to a provider, or a client in a link; nobody without the signing key can make one."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

from carillon.domain.messages import MessageKey

_MAC = 20
"""Characters of the signature: 100 bits."""
_SEPARATOR = "\x1f"


class SignedTokens:
    """See the port `Tokens`. At most 256 characters of letters, digits, `-` and `_`: what an SES tag may hold."""

    def __init__(self, signing_key: Callable[[], str]) -> None:
        self._signing_key = signing_key

    def issue(self, org_id: str, key: MessageKey) -> str:
        """Make a token: signature, then what it names."""
        return _token(self._signing_key(), "message", (org_id, key.recipient, key.digest))

    def read(self, token: str) -> tuple[str, MessageKey] | None:
        """Give back what a token names; None when the signature does not fit."""
        parts = _named(self._signing_key(), "message", token, 3)
        return (parts[0], MessageKey(parts[1], parts[2])) if parts else None


class SignedLinks:
    """See the port `Links`. An address holds ids and a signature; it ends with the signing key and at no date.

    `base_url` is where the outside world reaches the API.
    """

    def __init__(self, signing_key: Callable[[], str], base_url: str = "") -> None:
        self._signing_key = signing_key
        self._base_url = base_url.rstrip("/")

    def unsubscribe(self, org_id: str, client_id: str) -> str:
        """Give the address at which a client ends marketing mail of an organization."""
        return f"{self._base_url}/u/{_token(self._signing_key(), 'unsubscribe', (org_id, client_id))}"

    def unsubscribing(self, token: str) -> tuple[str, str] | None:
        """Give back the data set and the client that such an address names; None for one not made here."""
        parts = _named(self._signing_key(), "unsubscribe", token, 2)
        return (parts[0], parts[1]) if parts else None


def _token(key: str, use: str, parts: Sequence[str]) -> str:
    """Write parts down with their signature; one made for another use fits nowhere else."""
    body = _SEPARATOR.join(parts).encode()
    digest = hmac.new(key.encode(), f"{use}:".encode() + body, hashlib.sha256).digest()
    signature = base64.b32encode(digest).decode()[:_MAC].lower()
    return signature + base64.urlsafe_b64encode(body).decode().rstrip("=")


def _named(key: str, use: str, token: str, count: int) -> list[str] | None:
    try:
        text = token[_MAC:]
        parts = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(_SEPARATOR)
        # The whole token, not its signature alone: base64 has several spellings of the same bytes.
        genuine = hmac.compare_digest(_token(key, use, parts).encode(), token.encode())
    except ValueError:
        return None
    return parts if genuine and len(parts) == count else None


class NoTokens:
    """For channels whose providers report nothing: there is nobody to give a token to."""

    def issue(self, org_id: str, key: MessageKey) -> str:  # noqa: ARG002 - the port's shape
        """Give the empty token."""
        return ""

    def read(self, token: str) -> tuple[str, MessageKey] | None:  # noqa: ARG002 - the port's shape
        """Know no token."""
        return None
