"""Whose an API key is: read by the authorizer alone, before any door."""

import hashlib
import hmac

from carillon.domain.organizations import OPERATOR_ORG, ApiKey, Caller, Mode, data_set
from carillon.domain.times import parse_instant
from carillon.domain.values import value
from carillon.ports.directory import Credentials
from carillon.ports.system import Clock

PREFIXES: dict[str, Mode] = {"crl_live_": "live", "crl_test_": "test"}
MAX_TOKEN = 400


@value
class Token:
    """An API key as its holder shows it: `crl_<mode>_<organization>.<key id>.<secret>`."""

    mode: Mode
    org_id: str
    key_id: str
    secret: str

    @property
    def text(self) -> str:
        """Write the token."""
        return f"crl_{self.mode}_{self.org_id}.{self.key_id}.{self.secret}"


def parse_token(text: str) -> Token | None:
    """Read a token, from its end: an organization's id may contain dots."""
    for prefix, mode in PREFIXES.items():
        parts = text.removeprefix(prefix).rsplit(".", 2)
        if text.startswith(prefix) and len(text) <= MAX_TOKEN and len(parts) == len(("org", "key", "secret")):
            return Token(mode, *parts) if all(parts) else None
    return None


def secret_hash(secret: str) -> str:
    """Hash a secret; it is random and long, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Authentication:
    """Answers who calls. `operator_key_hash`: hex SHA-256 of the operator's whole key, empty for none."""

    def __init__(self, credentials: Credentials, clock: Clock, operator_key_hash: str) -> None:
        self._credentials = credentials
        self._clock = clock
        self._operator = operator_key_hash

    def caller(self, text: str) -> Caller | None:
        """Tell whose key this is; None for one that is not known, has ended, or whose organization is closed."""
        if self._operator and hmac.compare_digest(secret_hash(text), self._operator):
            return Caller(OPERATOR_ORG, "operator", "operator", "live")
        token = parse_token(text)
        if token is None or token.org_id.startswith(OPERATOR_ORG):
            return None
        key, organization = self._credentials.find(token.org_id, token.key_id)
        if key is None or not self._fits(token, key):
            return None
        if organization is None or organization.suspended or organization.deleted:
            return None
        return Caller(data_set(token.org_id, key.mode), key.role, key.id, key.mode)

    def _fits(self, token: Token, key: ApiKey) -> bool:
        known = hmac.compare_digest(secret_hash(token.secret), key.secret_hash)
        ended = key.expires_at is not None and parse_instant(key.expires_at) <= self._clock.now()
        return known and not ended and key.mode == token.mode
