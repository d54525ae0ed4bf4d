"""Constraints on document fields, written beside the field with `Annotated`.

The core stays free of libraries: a constraint is a plain object. At the doors pydantic reads it through the one
method it looks for by name, `__get_pydantic_core_schema__`, so each rule is stated once and shows in the OpenAPI.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, dataclass_transform

from carillon.domain.errors import InvalidValue
from carillon.domain.times import parse_duration, parse_instant, parse_local_time, parse_start, zone
from carillon.domain.values import value

Schema = dict[str, Any]
T = TypeVar("T")

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Bidirectional controls: in a name they make the rest of a text read backwards, so they are refused."""


def json_name(field: str) -> str:
    """Name a field in JSON: one that is a Python keyword carries an underscore in code only (`from_`)."""
    return field.removesuffix("_")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def document(cls: type[T]) -> type[T]:
    """Make a frozen, keyword-only dataclass whose unknown fields are refused at the doors."""
    cls.__pydantic_config__ = {"extra": "forbid", "strict": True, "alias_generator": json_name}  # type: ignore[attr-defined]
    return value(kw_only=True)(cls)


@value
class Text:
    """A string of `min` to `max` characters, optionally of a pattern, without control characters.

    `lines` allows line breaks and tabs.
    """

    max: int
    min: int = 0
    pattern: str | None = None
    lines: bool = False

    def check(self, value: str) -> str:
        """Return the value, or raise InvalidValue saying which rule it breaks."""
        if not self.min <= len(value) <= self.max:
            raise InvalidValue(f"must have {self.min} to {self.max} characters")
        if self.pattern is not None and re.fullmatch(self.pattern, value, re.ASCII) is None:
            raise InvalidValue(f"must match {self.pattern}")
        allowed = "\n\r\t" if self.lines else ""
        for char in value:
            if char in BIDI_CONTROLS:
                raise InvalidValue("must not contain bidirectional control characters")
            if unicodedata.category(char) in ("Cc", "Cs") and char not in allowed:
                raise InvalidValue("must not contain control characters")
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Schema]) -> Schema:
        shape = handler(source) | {"min_length": self.min or None, "max_length": self.max}
        inner = {key: value for key, value in shape.items() if value is not None}
        if self.pattern is not None:
            inner["pattern"] = f"^{self.pattern}$"
        return _after(inner, self.check)


@value
class Whole:
    """An integer between `min` and `max`, both included."""

    min: int
    max: int

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Schema]) -> Schema:
        return handler(source) | {"ge": self.min, "le": self.max, "strict": True}


@value
class Items:
    """A list of `min` to `max` entries."""

    max: int
    min: int = 0

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Schema]) -> Schema:
        return handler(source) | {"min_length": self.min, "max_length": self.max}


@value
class Check:
    """A value that `function` accepts; it raises InvalidValue for one that it does not."""

    function: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Schema]) -> Schema:
        return _after(handler(source), self._keep)

    def _keep(self, value: object) -> object:
        # The value stays as written: a check must not turn "PT24H" into something the integrator did not send.
        self.function(value)
        return value


def _after(schema: Schema, function: Callable[[Any], Any]) -> Schema:
    return {
        "type": "function-after",
        "schema": schema,
        "function": {"type": "no-info", "function": function},
    }


def _email(value: str) -> None:
    if _EMAIL.fullmatch(value) is None or ".." in value:
        raise InvalidValue("must be an e-mail address such as anna@example.com")


def _url(value: str) -> None:
    if _URL.fullmatch(value) is None:
        raise InvalidValue("must be an https:// address")


def _name_of_zone(value: str) -> None:
    zone(value)


_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{3,190}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_URL = re.compile(r"https?://[A-Za-z0-9.\-]+(?::\d{1,5})?(?:[/?#][^\s<>\"\\^`{|}]*)?")

ID_PATTERN = r"[A-Za-z0-9._:\-]{1,64}"
Id = Annotated[str, Text(max=64, min=1, pattern=ID_PATTERN)]
"""An id that the integrator owns."""
Name = Annotated[str, Text(max=200, min=1)]
Line = Annotated[str, Text(max=500)]
Prose = Annotated[str, Text(max=2000, lines=True)]
Email = Annotated[str, Text(max=254, min=3), Check(_email)]
PhoneInput = Annotated[str, Text(max=40, min=2, pattern=r"\+?[0-9() ./\-]+")]
"""A phone as people write it; doors normalise it to E.164 with the organization's country."""
Url = Annotated[str, Text(max=1000, min=8), Check(_url)]
Zone = Annotated[str, Text(max=50, min=1), Check(_name_of_zone)]
Locale = Annotated[str, Text(max=35, min=2, pattern=r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")]
Country = Annotated[str, Text(max=2, min=2, pattern=r"[A-Z]{2}")]
Currency = Annotated[str, Text(max=3, min=3, pattern=r"[A-Z]{3}")]
LocalTime = Annotated[str, Text(max=5, min=5), Check(parse_local_time)]
Duration = Annotated[str, Text(max=30, min=3), Check(parse_duration)]
Start = Annotated[str, Text(max=40, min=16), Check(parse_start)]
Instant = Annotated[str, Text(max=40, min=17), Check(parse_instant)]
Slug = Annotated[str, Text(max=32, min=1, pattern=r"[a-z0-9_]{1,32}")]
