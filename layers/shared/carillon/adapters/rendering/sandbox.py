"""The environment in which templates run: values are data, every step is counted, nothing of Python is reachable.

A template is checked against an allow-list of syntax when it is stored (`checking.py`) and runs here later. What is
reachable at run time doesn't rest on that check: attributes are looked up in mappings only, never on objects; there are
no globals, no tests and only the contract's filters; each of them counts against a budget and bounds its result.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from jinja2 import ChainableUndefined, pass_context
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from carillon.adapters.rendering.positions import Positioned

MAX_STEPS = 20_000
"""Loop rounds and filter uses of one rendering (a filter on a long text counts once per 100 characters)."""
MAX_OUTPUT = 200_000
"""Characters that one rendering may produce."""
MAX_STRING = 20_000
"""Characters that one filter may return."""

_BUDGET = "_budget"
LOOP_NAMES = frozenset({"first", "last", "index", "index0", "length"})


class TooMuch(Exception):
    """A template took more steps or made more text than allowed."""


class Budget:
    """Counts the steps of one rendering; steps, not seconds, so the answer is the same on any machine."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises TooMuch when none are left."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch(f"takes more than {MAX_STEPS} steps")


class Walked(list[Any]):
    """A list of values of which it is to be known whether a text walked it: `walked` says so."""

    walked = False


class Entries(list[Any]):
    """A list variable. Walking it counts; printed, it reads as a sentence's part (`Anna, Marek and Eva`)."""

    def __init__(self, items: list[Any], budget: Budget) -> None:
        super().__init__([_wrap(item, budget) for item in items])
        self._budget, self._source = budget, items

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self._budget.spend()
            yield item
        if isinstance(self._source, Walked):
            self._source.walked = True

    def __str__(self) -> str:
        return str(self._source)


class Environment(Positioned, ImmutableSandboxedEnvironment):
    """A Jinja environment of nothing but what the contract names."""

    def __init__(self, *, html: bool) -> None:
        # Without the optimizer nothing is computed while compiling, so compiling costs what the source's length says.
        super().__init__(autoescape=html, undefined=ChainableUndefined, finalize=_present, optimized=False)
        self.globals.clear()
        self.tests.clear()
        self.filters = cast("dict[str, Any]", dict(FILTERS))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look in mappings (and a few facts of a loop) only: an object's attributes don't exist here."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
        elif isinstance(obj, LoopContext) and attribute in LOOP_NAMES:
            return getattr(obj, attribute)
        elif isinstance(obj, Undefined):
            return obj
        return self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look in mappings only."""
        return self.getattr(obj, argument) if isinstance(argument, str) else self.undefined()

    def call(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: nothing may be called."""
        raise TooMuch("calls something")


def _present(value: Any) -> Any:
    return "" if value is None else value


def context_of(values: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """Wrap values for one rendering: lists count their rounds."""
    wrapped = {name: _wrap(value, budget) for name, value in values.items()}
    wrapped[_BUDGET] = budget
    return wrapped


def _wrap(value: Any, budget: Budget) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {name: _wrap(item, budget) for name, item in value.items()}
    if isinstance(value, list):
        return Entries(value, budget)
    return value


Filter = Callable[..., Any]


def _counted(function: Filter) -> Filter:
    """Make a filter that costs steps and whose text is bounded."""

    @pass_context
    def run(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        size = len(value) if isinstance(value, str) else 0
        context[_BUDGET].spend(1 + size // 100)
        result = function(value, *args, **kwargs)
        if isinstance(result, str) and len(result) > MAX_STRING:
            raise TooMuch(f"makes a text of more than {MAX_STRING} characters")
        return result

    return run


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, Undefined) else str(value)


def _default(value: Any, default: Any = "", boolean: bool = False) -> Any:
    absent = value is None or isinstance(value, Undefined)
    return default if absent or (boolean and not value) else value


def _join(value: Any, separator: Any = "") -> Any:
    texts = [_text(item) for item in value]
    if sum(map(len, texts)) + len(_text(separator)) * len(texts) > MAX_STRING:
        raise TooMuch(f"makes a text of more than {MAX_STRING} characters")
    return _text(separator).join(texts)


def _replace(value: Any, old: Any, new: Any, count: int = -1) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    if not before:
        raise TooMuch("replaces an empty text")
    if len(text) + text.count(before) * max(0, len(after) - len(before)) > MAX_STRING:
        raise TooMuch(f"makes a text of more than {MAX_STRING} characters")
    return text.replace(before, after, count)


def _truncate(value: Any, length: int = 255, killwords: bool = False, end: Any = "...") -> str:
    text, tail = _text(value), _text(end)
    if len(text) <= length:
        return text
    kept = text[: max(0, length - len(tail))]
    return (kept if killwords or " " not in kept else kept.rsplit(" ", 1)[0]) + tail


def _length(value: Any) -> int:
    return 0 if value is None or isinstance(value, Undefined) else len(value)


def _end(index: int) -> Filter:
    return lambda value: value[index] if value else ""


def _cased(change: Callable[[str], str]) -> Filter:
    return lambda value: change(_text(value))


def _title(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))


_PLAIN: dict[str, Filter] = {
    "upper": _cased(str.upper),
    "lower": _cased(str.lower),
    "capitalize": _cased(str.capitalize),
    "title": _cased(_title),
    "trim": _cased(str.strip),
    "default": _default,
    "join": _join,
    "length": _length,
    "first": _end(0),
    "last": _end(-1),
    "replace": _replace,
    "truncate": _truncate,
}
FILTERS: dict[str, Filter] = {name: _counted(function) for name, function in _PLAIN.items()}
"""The contract's filters. They return plain text, which is escaped where it is printed."""
FILTER_ARGUMENTS = {"default": 2, "join": 1, "replace": 3, "truncate": 3}
"""How many arguments a filter takes; those not named take none."""
