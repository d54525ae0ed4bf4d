"""Lambda's event filter patterns."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

_COMPARISONS = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(pattern: Any, event: Any) -> bool:
    """Whether an event fits a pattern: every key of the pattern must fit, a list holds alternatives."""
    if isinstance(pattern, Mapping):
        if "$or" in pattern:
            alternatives = pattern["$or"]
            rest = {key: value for key, value in pattern.items() if key != "$or"}
            return any(matches(entry, event) for entry in alternatives) and matches(rest, event)
        return all(_key_matches(event, key, rule) for key, rule in pattern.items())
    return any(_value_matches(rule, event, present=True) for rule in pattern)


def _key_matches(event: Any, key: str, rule: Any) -> bool:
    present = isinstance(event, Mapping) and key in event
    value = event[key] if present else None
    if isinstance(rule, Mapping):
        return matches(rule, value if present else {})
    values = value if isinstance(value, list) else [value]
    return any(_value_matches(entry, item, present=present) for entry in rule for item in values)


def _value_matches(rule: Any, value: Any, *, present: bool) -> bool:
    if not isinstance(rule, Mapping):
        return present and type(value) is type(rule) and bool(value == rule)
    ((name, argument),) = rule.items()
    if name == "exists":
        return present is bool(argument)
    if not present:
        return False
    if name == "anything-but":
        return value not in (argument if isinstance(argument, list) else [argument])
    if name == "numeric":
        return _numeric(argument, value)
    text = value if isinstance(value, str) else ""
    if name == "prefix":
        return text.startswith(argument)
    if name == "suffix":
        return text.endswith(argument)
    if name == "equals-ignore-case":
        return text.casefold() == str(argument).casefold()
    raise ValueError(f"unknown filter rule {name}")


def _numeric(argument: list[Any], value: Any) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARISONS[sign](number, float(limit)) for sign, limit in pairs)
