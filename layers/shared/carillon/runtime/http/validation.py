"""Input against the domain's own types: one `Fault` per mistake, all of them at once.

pydantic reads the constraints that stand beside the fields of the domain's documents; it is used at the doors only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from carillon.domain.errors import Code, Fault, Invalid, InvalidValue
from carillon.runtime.http.problems import Rejected

T = TypeVar("T")
Json = dict[str, Any]
AlsoFaulty = Callable[[Json], Sequence[Fault]]
MAX_FAULTS = 100
_CODES: dict[str, Code] = {
    "missing": "missing_field",
    "missing_argument": "missing_field",
    "extra_forbidden": "unknown_field",
    "unexpected_keyword_argument": "unknown_field",
}
_MESSAGES = {"missing": "is required", "unexpected_keyword_argument": "is not known"}


@lru_cache(maxsize=256)
def adapter(model: Hashable) -> TypeAdapter[Any]:
    """Give the validator of a type; it is built on first use, so that a call pays for its own types only."""
    return TypeAdapter(model)


def pointer(place: Sequence[str | int]) -> str:
    """Write a place in a document as a JSON pointer (RFC 6901)."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place if part != "[key]")
    return "".join(f"/{part}" for part in parts)


def faults_of(error: ValidationError) -> list[Fault]:
    """Turn pydantic's findings into faults; the values themselves are never repeated."""
    found = []
    for entry in error.errors(include_url=False, include_input=False)[:MAX_FAULTS]:
        cause = entry.get("ctx", {}).get("error")
        kind = entry["type"]
        code = cause.code if isinstance(cause, InvalidValue) else _CODES.get(kind, "invalid_value")
        message = str(cause) if isinstance(cause, ValueError) else _MESSAGES.get(kind, _plain(entry["msg"]))
        found.append(Fault(pointer(entry["loc"]), code, message))
    return found


def _plain(message: str) -> str:
    return (
        message.replace("Input should be", "must be")
        .replace("String should", "must")
        .replace("should have", "must have")
    )


def read_object(data: bytes) -> Json:
    """Parse a body that must be a JSON object; raises Rejected with the position of a mistake."""
    try:
        value = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise Rejected(400, "invalid_json", f"the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Invalid([Fault("", "invalid_value", "must be a JSON object")])
    return value


def validate(model: type[T], data: bytes | str, also: Callable[[], Sequence[Fault]] | None = None) -> T:
    """Read JSON text as `model`; raises Invalid with every fault, those that `also` finds included."""
    try:
        value: T = adapter(cast("Hashable", model)).validate_json(data)
    except ValidationError as error:
        found = faults_of(error)
        known = {fault.pointer for fault in found}
        found += [fault for fault in (also() if also else ()) if fault.pointer not in known]
        raise Invalid(found) from error
    return value


def validate_strings(model: type[T], values: Mapping[str, str]) -> T:
    """Read query parameters as `model`."""
    try:
        value: T = adapter(cast("Hashable", model)).validate_strings(dict(values))
    except ValidationError as error:
        raise Invalid(faults_of(error)) from error
    return value


class Draft(Generic[T]):
    """A body that is not validated yet, for where what it leaves out counts (PATCH, and PUT of settings).

    `given` holds its top-level fields as sent.
    """

    def __init__(self, model: type[T], given: Json) -> None:
        self.model = model
        self.given = given

    def value(self, also: AlsoFaulty | None = None) -> T:
        """Read the body as it stands. `also` finds the faults that the type alone doesn't show."""
        return self.over({}, also)

    def over(self, base: Mapping[str, Any], also: AlsoFaulty | None = None) -> T:
        """Read the body over the fields of `base`: a top-level field that is given replaces the whole."""
        merged = {**base, **self.given}
        try:
            text = json.dumps(merged)
        except (ValueError, RecursionError) as error:
            raise Rejected(400, "invalid_json", "the body holds a number that is out of range") from error
        return validate(self.model, text, (lambda: also(merged)) if also else None)

    def of(self, model: type[T]) -> Draft[T]:
        """Take the body for one of the kinds that it may be."""
        return Draft(model, self.given)

    def without(self, *names: str) -> Draft[T]:
        """Leave out fields that an answer shows and a save ignores."""
        return Draft(self.model, {name: value for name, value in self.given.items() if name not in names})
