"""Calls that may be repeated: a POST with an `Idempotency-Key` has one effect and one answer for 24 hours."""

from carillon.domain.codec import dumps
from carillon.domain.errors import CarillonError, Conflict, Fault, Invalid
from carillon.domain.values import value

KEEP_SECONDS = 24 * 3600
LEASE_SECONDS = 60
"""How long a call under way keeps its key; longer than any door's timeout."""


@value
class StoredAnswer:
    """What an earlier call answered; `status` None: it is still under way.

    `fingerprint` tells whether the repeated call is the same one. `body` is the answer's JSON.
    """

    key: str
    fingerprint: str
    status: int | None = None
    body: str = ""
    etag: str | None = None


@value
class Attempt:
    """A call that may be repeated: the hash of its key, and of everything that makes it this call."""

    key: str
    fingerprint: str

    def answered(self, status: int, document: object, etag: str | None = None) -> StoredAnswer:
        """Give the answer to be stored in the same transaction as the effect."""
        return StoredAnswer(self.key, self.fingerprint, status, dumps(document), etag)

    def same(self, stored: StoredAnswer) -> StoredAnswer:
        """Check that a stored answer is this very call's; raises Invalid or Conflict if not, or not yet."""
        if stored.fingerprint != self.fingerprint:
            message = "this Idempotency-Key was used for a call with another path or body"
            raise Invalid([Fault("", "idempotency_key_reused", message)], message, "idempotency_key_reused")
        if stored.status is None:
            message = "the first call with this Idempotency-Key is still running"
            raise Conflict("idempotency_in_progress", message)
        return stored


class RepeatedError(CarillonError):
    """A call with the same key stored its answer first; this one had no effect."""
