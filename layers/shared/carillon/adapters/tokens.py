"""Tokens that name a message to a provider; nobody without the signing key can make one."""

import base64
import hashlib
import hmac
from collections.abc import Callable

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
        return self._token(_SEPARATOR.join((org_id, key.recipient, key.digest)).encode())

    def read(self, token: str) -> tuple[str, MessageKey] | None:
        """Give back what a token names; None when the signature does not fit."""
        try:
            text = token[_MAC:]
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            # The whole token, not its signature alone: base64 has several spellings of the same bytes.
            genuine = hmac.compare_digest(self._token(body).encode(), token.encode())
        except ValueError:
            return None
        if not genuine:
            return None
        parts = body.decode(errors="replace").split(_SEPARATOR)
        return (parts[0], MessageKey(parts[1], parts[2])) if len(parts) == 3 else None  # noqa: PLR2004

    def _token(self, body: bytes) -> str:
        return self._sign(body) + base64.urlsafe_b64encode(body).decode().rstrip("=")

    def _sign(self, body: bytes) -> str:
        digest = hmac.new(self._signing_key().encode(), b"message:" + body, hashlib.sha256).digest()
        return base64.b32encode(digest).decode()[:_MAC].lower()


class NoTokens:
    """For channels whose providers report nothing: there is nobody to give a token to."""

    def issue(self, org_id: str, key: MessageKey) -> str:  # noqa: ARG002 - the port's shape
        """Give the empty token."""
        return ""

    def read(self, token: str) -> tuple[str, MessageKey] | None:  # noqa: ARG002 - the port's shape
        """Know no token."""
        return None
