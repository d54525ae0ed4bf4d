"""`Idempotency-Key`: a repeated POST gets the first one's answer.

The service stores the answer in the transaction of its effect (`Call.attempt`). A route declared with
`repeats="leased"` has an effect of several writes: then the key is taken first, with a lease, and answered after.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

from carillon.domain.errors import Contended, Fault, Invalid
from carillon.domain.idempotency import Attempt, RepeatedError, StoredAnswer
from carillon.domain.ids import digest

MAX_KEY = 255
HEADER = "idempotency-key"


class Answers(Protocol):
    """Where answers are kept for 24 h; an adapter has these methods."""

    def find(self, org_id: str, key: str) -> StoredAnswer | None:
        """Read what is stored under a key; None also when its lease or its day is over."""

    def begin(self, org_id: str, attempt: Attempt) -> bool:
        """Take a key for a call under way; False when it is taken."""

    def finish(self, org_id: str, answer: StoredAnswer) -> None:
        """Store the answer of a key that was taken."""

    def forget(self, org_id: str, key: str) -> None:
        """Give back a key whose call had no effect."""


def attempt_of(headers: Mapping[str, str], method: str, path: str, body: bytes) -> Attempt | None:
    """Read the header, None without one; raises Invalid for a key that is too long or empty."""
    key = headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise Invalid([Fault("", "invalid_value", f"Idempotency-Key must have 1 to {MAX_KEY} characters")])
    return Attempt(digest(key), fingerprint(method, path, body))


def fingerprint(*parts: str | bytes) -> str:
    """Hash what makes a call this one."""
    encoded = (part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha256(b"\x1f".join(encoded)).hexdigest()


def answer_once(
    answers: Answers,
    org_id: str,
    attempt: Attempt,
    run: Callable[[], StoredAnswer],
    *,
    lease: bool,
) -> StoredAnswer:
    """Run a call unless it was answered before; raises Conflict while the first one is still running."""
    stored = answers.find(org_id, attempt.key)
    if stored is not None:
        return attempt.same(stored)
    if lease:
        return _leased(answers, org_id, attempt, run)
    try:
        return run()
    except RepeatedError:
        return _first(answers, org_id, attempt)


def _leased(answers: Answers, org_id: str, attempt: Attempt, run: Callable[[], StoredAnswer]) -> StoredAnswer:
    if not answers.begin(org_id, attempt):
        return _first(answers, org_id, attempt)
    try:
        answer = run()
    except Exception:
        answers.forget(org_id, attempt.key)
        raise
    answers.finish(org_id, answer)
    return answer


def _first(answers: Answers, org_id: str, attempt: Attempt) -> StoredAnswer:
    stored = answers.find(org_id, attempt.key)
    if stored is None:
        raise Contended("another call with the same Idempotency-Key came between")
    return attempt.same(stored)
