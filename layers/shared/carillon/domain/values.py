"""Immutable values: dataclasses that cost next to nothing to define.

The standard library writes and compiles the methods of each dataclass anew, a millisecond a class, which was most of
what a function's cold start spent in our own code. Here one set of methods serves all of them. To everyone else
(`fields`, `replace`, `is_dataclass`, pydantic, mypy) they are dataclasses.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")
Fields = tuple[dataclasses.Field[Any], ...]


@overload
def value(cls: type[T], /) -> type[T]: ...
@overload
def value(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def value(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a frozen dataclass with the usual constructor, comparison by value, hash and representation."""

    def made(cls: type[T]) -> type[T]:
        shaped: Any = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        fields: Fields = dataclasses.fields(shaped)
        shaped.__init__ = _initializer(fields)
        shaped.__eq__, shaped.__hash__ = _comparison(tuple(field.name for field in fields if field.compare))
        if "__repr__" not in vars(cls):
            shaped.__repr__ = _representation(tuple(field.name for field in fields if field.repr))
        shaped.__setattr__ = shaped.__delattr__ = _refuse
        return shaped  # type: ignore[no-any-return]

    return made if cls is None else made(cls)


def _comparison(names: tuple[str, ...]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    def equal(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]
        mine, theirs = self.__dict__, other.__dict__
        return all(mine[name] == theirs[name] for name in names)

    def hashed(self: Any) -> int:
        held = self.__dict__
        return hash(tuple([held[name] for name in names]))

    return equal, hashed


def _representation(names: tuple[str, ...]) -> Callable[[Any], str]:
    def shown(self: Any) -> str:
        held = self.__dict__
        return f"{type(self).__qualname__}({', '.join(f'{name}={held[name]!r}' for name in names)})"

    return shown


def _initializer(fields: Fields) -> Callable[..., None]:
    positional = tuple(field.name for field in fields if not field.kw_only)
    known = frozenset(field.name for field in fields)

    def initialise(self: Any, *args: Any, **given: Any) -> None:
        held = self.__dict__
        if args:
            held.update(zip(positional, args, strict=False))
            if len(args) > len(positional) or not given.keys().isdisjoint(held):
                raise TypeError(f"{type(self).__name__} got a value twice, or one too many")
        if not given.keys() <= known:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(given.keys() - known))}")
        held.update(given)
        if len(held) < len(fields):
            _complete(self, fields)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return initialise


def _complete(made: Any, fields: Fields) -> None:
    held = made.__dict__
    for field in fields:
        if field.name in held:
            continue
        if field.default is not dataclasses.MISSING:
            held[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            held[field.name] = field.default_factory()
        else:
            raise TypeError(f"{type(made).__name__} needs {field.name}")


def _refuse(self: object, name: str, *_value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot change {name} of a {type(self).__name__}")
