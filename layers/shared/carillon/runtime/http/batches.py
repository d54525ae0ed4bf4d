"""Batches: many items in one call, each as if it had been sent alone, with a result of its own."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from carillon.domain.constraints import document
from carillon.domain.errors import Code, Conflict, Contended, Fault, Invalid, Refused
from carillon.domain.idempotency import Attempt
from carillon.domain.ids import digest
from carillon.runtime.http.problems import TITLES, problem_type
from carillon.runtime.http.repeats import fingerprint
from carillon.runtime.http.validation import Draft, Json

LONGEST = 100
Done = tuple[str | None, int]
"""The id of what an item is about, and the status that it would have been answered with alone."""


@document
class ItemFault:
    """One mistake of an item; `pointer` is within the item."""

    pointer: str
    code: Code
    message: str


@document
class ItemProblem:
    """Why an item was refused, as the call for it alone would have said."""

    type: str
    title: str
    status: int
    detail: str
    code: Code
    errors: list[ItemFault] = field(default_factory=list)


@document
class ItemResult:
    """What became of an item: `status` as the call for it alone would have answered, `problem` null if all is well."""

    id: str | None
    status: int
    problem: ItemProblem | None = None


@document
class BatchResults:
    """The results, in the order of the items."""

    results: list[ItemResult]


def run(body: Draft[Any], one: Callable[[int, Json], Done]) -> BatchResults:
    """Do item after item; what is wrong with one keeps none of the others from being done.

    An id that stands twice is refused the second time: which of the two is meant can't be known. Raises Invalid when
    `items` isn't a list of 1 to 100.
    """
    seen: set[str] = set()
    return BatchResults(results=[_result(one, place, item, seen) for place, item in enumerate(items_of(body))])


def items_of(body: Draft[Any]) -> list[Any]:
    """Give the items of a batch; raises Invalid when `items` isn't a list of 1 to 100."""
    items = body.given.get("items")
    unknown = [Fault(f"/{name}", "unknown_field", "is not known") for name in body.given if name != "items"]
    if unknown or not isinstance(items, list) or not 1 <= len(items) <= LONGEST:
        raise Invalid(unknown or [Fault("/items", "invalid_value", f"must be a list of 1 to {LONGEST} items")])
    return items


def attempt_of(attempt: Attempt | None, place: int) -> Attempt | None:
    """Give an item a key of its own, so that a batch that broke off can be repeated without doubling what was made."""
    if attempt is None:
        return None
    # The batch's fingerprint covers every item and its place.
    return Attempt(digest(attempt.key, str(place)), fingerprint(attempt.fingerprint, str(place)))


def _result(one: Callable[[int, Json], Done], place: int, item: Any, seen: set[str]) -> ItemResult:
    named = item.get("id") if isinstance(item, dict) and isinstance(item.get("id"), str) else None
    try:
        if not isinstance(item, dict):
            raise Invalid([Fault("", "invalid_value", "must be a JSON object")])
        if named is not None and named in seen:
            raise Conflict("duplicate_key", f"{named!r} stands in this batch already")
        seen |= {named} if named is not None else set()
        known, status = one(place, item)
    except Refused as error:
        return ItemResult(id=named, status=error.status, problem=problem_of(error))
    except Contended:
        busy = Refused("busy", "others are writing the same; repeat the item")
        busy.status = 503
        return ItemResult(id=named, status=503, problem=problem_of(busy))
    return ItemResult(id=known, status=status)


def problem_of(error: Refused) -> ItemProblem:
    """Give a refusal as an item shows it."""
    return ItemProblem(
        type=problem_type(error.code),
        title=TITLES[error.code],
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=[ItemFault(pointer=each.pointer, code=each.code, message=each.message) for each in error.faults],
    )
