"""Which faults strike where, and how often: drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

PROVIDERS: Final = ("ses", "sns", "twilio")
_CALL: Final = ("timeout_before", "timeout_after", "error_5xx", "throttle", "reject", "crash_after", "delay")
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": _CALL,
    "sqs": (*_CALL, "duplicate_delivery"),
    "scheduler": (*_CALL, "duplicate_delivery"),
    "stream": ("delay", "error_5xx", "throttle", "crash_after", "duplicate_delivery"),
    # A provider's duplicate is of its receipts. SNS has none for SMS.
    "ses": (*_CALL, "duplicate_delivery"),
    "twilio": (*_CALL, "duplicate_delivery"),
    "sns": _CALL,
}
_SHARES: Final[Mapping[str, tuple[float, float]]] = {
    # So many calls are struck in all. A booking takes some twenty calls of DynamoDB and SQS, and one of a provider.
    "dynamodb": (0.02, 0.08),
    "sqs": (0.03, 0.12),
    "scheduler": (0.05, 0.2),
    "stream": (0.05, 0.2),
    "ses": (0.1, 0.3),
    "sns": (0.1, 0.3),
    "twilio": (0.1, 0.3),
}
# Most calls of DynamoDB are the sweep's, and a new process after each death is what a simulation would wait for.
_WEIGHTS: Final = {("dynamodb", "crash_after"): 0.3}
_CODES: Final[Mapping[str, tuple[str | int, ...]]] = {
    # Refusals for good. Some of Twilio's come by callback, after it has taken the message.
    "twilio": (21211, 63024, 63003, 63032, 63049),
    "ses": ("MessageRejected",),
    "sns": ("InvalidParameter",),
}


def faults(seed: int) -> Iterator[dict[str, Any]]:
    """Draw the faults of a seed, as `POST /faults` takes them."""
    chosen = random.Random(f"chaos/{seed}")  # noqa: S311 - repeatable, not secret
    for target, kinds in _KINDS.items():
        share = chosen.uniform(*_SHARES[target])
        weights = [chosen.uniform(0.2, 1) * _WEIGHTS.get((target, kind), 1) for kind in kinds]
        code = chosen.choice(_CODES[target]) if target in _CODES else None
        for kind, weight in zip(kinds, weights, strict=True):
            fault = {"target": target, "kind": kind, "rate": round(share * weight / sum(weights), 5), "seed": seed}
            yield {**fault, "code": code} if kind == "reject" and code is not None else fault
