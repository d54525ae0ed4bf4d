"""Documents as JSON, both ways, without a library: hot functions read settings and records through it.

Decoding trusts its input (it was validated at the door before it was stored) and ignores unknown fields, so that a
document written by a newer version can be read by an older one.
"""

import dataclasses
import json
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = dict[str, Any]
Decoder = Callable[[Any], Any]


def to_data(value: Any) -> Any:
    """Turn a document into plain JSON data.

    A class with `__omit_none__ = True` leaves out its empty fields (a `when` shows only the form it has).
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    shape = _shape(kind)  # type: ignore[arg-type, unused-ignore]  # mypy doubts that a class is hashable
    if shape is not None:
        names, omit = shape
        pairs = [(name, to_data(getattr(value, attribute))) for attribute, name in names]
        return {name: item for name, item in pairs if item is not None} if omit else dict(pairs)
    if isinstance(value, dict):
        return {key: to_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(item) for item in value]
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})


@lru_cache(maxsize=512)
def _shape(cls: type) -> tuple[tuple[tuple[str, str], ...], bool] | None:
    """Give a document's fields in code and in JSON, and whether empty ones are left out; None for other classes."""
    if not dataclasses.is_dataclass(cls):
        return None
    names = tuple((field.name, field.name.removesuffix("_")) for field in dataclasses.fields(cls))
    return names, getattr(cls, "__omit_none__", False)


def dumps(value: Any) -> str:
    """Write a document as compact JSON with stable key order of its class."""
    return json.dumps(to_data(value), ensure_ascii=False, separators=(",", ":"))


def from_data(cls: type[T], data: Any) -> T:
    """Build a document of class `cls` from JSON data."""
    return cast("T", _decoder(cls)(data))  # type: ignore[arg-type]


def loads(cls: type[T], text: str) -> T:
    """Read a document of class `cls` from JSON text."""
    return from_data(cls, json.loads(text))


def _same(data: Any) -> Any:
    return data


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> Decoder:
    origin = get_origin(kind)
    if origin is Annotated:
        return _decoder(get_args(kind)[0])
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(cast("type", kind))
    if origin in (Union, types.UnionType):
        return _optional_decoder(tuple(arg for arg in get_args(kind) if arg is not type(None)))
    if origin in (list, tuple):
        item, build = _decoder(get_args(kind)[0]), origin
        return lambda data: build([item(entry) for entry in data])
    if origin is dict:
        value = _decoder(get_args(kind)[1])
        return lambda data: {key: value(entry) for key, entry in data.items()}
    return _same


def _optional_decoder(kinds: tuple[Any, ...]) -> Decoder:
    if len(kinds) != 1 and any(dataclasses.is_dataclass(kind) for kind in kinds):
        raise TypeError("a document field may be one class or None, not a choice of classes")
    inner = _decoder(kinds[0]) if len(kinds) == 1 else _same
    return lambda data: None if data is None else inner(data)


def _dataclass_decoder(cls: type) -> Decoder:
    hints = get_type_hints(cls, include_extras=True)
    # A field named like a keyword carries an underscore in code only (`from_`).
    fields = {f.name.removesuffix("_"): (f.name, _decoder(hints[f.name])) for f in dataclasses.fields(cls)}

    def decode(data: Json) -> object:
        known = ((fields[name], item) for name, item in data.items() if name in fields)
        return cls(**{name: read(item) for (name, read), item in known})

    return decode
