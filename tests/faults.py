"""Breaks a service at its k-th call to the outside, for every k: each way it can break, each time once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")
Kind = Literal["dies_before", "dies_after", "fails_before", "fails_after"]
KINDS: tuple[Kind, ...] = ("dies_before", "dies_after", "fails_before", "fails_after")


class Died(BaseException):
    """The process is gone: no `except Exception` catches this."""


class Failed(Exception):
    """A call to the outside failed; `fails_after`: its effect happened all the same."""


@dataclass
class Line:
    """Counts the calls of everything watched, and breaks at call number `at` (1 is the first)."""

    at: int | None = None
    kind: Kind = "dies_after"
    calls: list[str] = field(default_factory=list)

    def watch(self, target: T) -> T:
        """Stand in front of a port's implementation."""
        return cast("T", _Watched(target, self))

    def call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.calls.append(name)
        hit = len(self.calls) == self.at
        if hit and self.kind.endswith("before"):
            raise self._error(name)
        result = function(*args, **kwargs)
        if hit:
            raise self._error(name)
        return result

    def _error(self, name: str) -> BaseException:
        return (Died if self.kind.startswith("dies") else Failed)(f"{name}, call {self.at}")


class _Watched:
    def __init__(self, target: object, line: Line) -> None:
        self._target = target
        self._line = line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._line.call(name, found, *args, **kwargs)


def lines(number_of_calls: int) -> Iterator[Line]:
    """Give every way to break a run of so many calls."""
    for kind in KINDS:
        for at in range(1, number_of_calls + 1):
            yield Line(at, kind)
