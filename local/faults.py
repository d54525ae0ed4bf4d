"""Faults that the local cloud plays on request, drawn deterministically from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TARGETS: Final = frozenset(
    {"twilio", "ses", "sns", "telegram", "viber", "stripe", "dynamodb", "sqs", "scheduler", "stream"}
)
KINDS: Final = frozenset(
    {
        "timeout_before",
        "timeout_after",
        "error_5xx",
        "throttle",
        "reject",
        "crash_after",
        "duplicate_delivery",
        "delay",
    }
)
CALL_KINDS: Final = KINDS - {"duplicate_delivery"}
"""What can happen to a call; a duplicate happens to a delivery."""


class InvalidFaultError(ValueError):
    """The description of a fault is not one that can be played."""


@dataclass
class Fault:
    """One kind of trouble at one target. `rate` is the share of calls it strikes, 0 to 1."""

    target: str
    kind: str
    rate: float = 1.0
    seed: int = 0
    code: Any = None
    count: int | None = None
    struck: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise InvalidFaultError(f"target must be one of {', '.join(sorted(TARGETS))}")
        if self.kind not in KINDS:
            raise InvalidFaultError(f"kind must be one of {', '.join(sorted(KINDS))}")
        if not 0 <= self.rate <= 1:
            raise InvalidFaultError("rate must be between 0 and 1")
        # The target and kind take part, so that several faults with one seed don't strike in step.
        self._random = random.Random(f"{self.seed}/{self.target}/{self.kind}")  # noqa: S311

    def strikes(self) -> bool:
        """Draw whether this call is struck."""
        if self.count is not None and self.struck >= self.count:
            return False
        hit = self._random.random() < self.rate
        self.struck += hit
        return hit

    def describe(self) -> dict[str, Any]:
        """Answer the fault as `POST /faults` takes it, with how often it struck."""
        return {
            "target": self.target,
            "kind": self.kind,
            "rate": self.rate,
            "seed": self.seed,
            "code": self.code,
            "count": self.count,
            "struck": self.struck,
        }


def parse(document: Mapping[str, Any]) -> Fault:
    """Read a fault from JSON. Raises InvalidFaultError for unknown fields, targets, kinds and rates."""
    unknown = set(document) - {"target", "kind", "rate", "seed", "code", "count", "struck"}
    if unknown:
        raise InvalidFaultError(f"unknown field {', '.join(sorted(unknown))}")
    try:
        count = document.get("count")
        return Fault(
            target=str(document["target"]),
            kind=str(document["kind"]),
            rate=float(document.get("rate", 1.0)),
            seed=int(document.get("seed", 0)),
            code=document.get("code"),
            count=None if count is None else int(count),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidFaultError):
            raise
        raise InvalidFaultError(f"not a fault: {error!r}") from error


class FaultRegistry:
    """The faults in force. Every place that can be struck asks it before and after its work."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force, in place of one of the same target and kind."""
        self._faults = [f for f in self._faults if (f.target, f.kind) != (fault.target, fault.kind)]
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults."""
        self._faults = []

    def draw(self, target: str, kinds: Iterable[str] | None = None) -> Fault | None:
        """Draw the fault that strikes this call to `target`, of the given kinds only, or None."""
        for fault in self._faults:
            if fault.target == target and (kinds is None or fault.kind in kinds) and fault.strikes():
                return fault
        return None

    def faults(self) -> list[Fault]:
        """Answer the faults themselves."""
        return list(self._faults)

    def describe(self) -> list[dict[str, Any]]:
        """Answer all faults in force."""
        return [fault.describe() for fault in self._faults]
