"""What DynamoDB refuses although its model allows it: keys, expressions, and the sizes of items and batches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_KEY = re.compile(r"(pk|sk)\d?")
_KEY_BYTES = {"pk": 2048, "sk": 1024}
_ITEM_BYTES = 400 * 1024
_BATCH_GET, _BATCH_WRITE = 100, 25
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")
_PATH = re.compile(r"#?[A-Za-z_][\w.#]*(?:\[\d+\])*")
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_BOOKKEEPING = 3
"""Bytes that a value costs beside its content."""


def faults(operation: str, request: Mapping[str, Any]) -> Iterator[str]:
    """Say everything that is wrong with a request of this table's items."""
    match operation:
        case "BatchGetItem":
            for table in request["RequestItems"].values():
                yield from _single(table)
                yield from _distinct(table["Keys"])
            yield from _at_most(
                _BATCH_GET, [key for table in request["RequestItems"].values() for key in table["Keys"]]
            )
        case "BatchWriteItem":
            for entries in request["RequestItems"].values():
                for entry in entries:
                    yield from _single({**entry.get("PutRequest", {}), **entry.get("DeleteRequest", {})})
                yield from _distinct([_written(entry) for entry in entries])
            yield from _at_most(_BATCH_WRITE, [e for entries in request["RequestItems"].values() for e in entries])
        case "TransactWriteItems" | "TransactGetItems":
            parts = [part for item in request["TransactItems"] for part in item.values()]
            for part in parts:
                yield from _single(part)
            yield from _distinct([_written({"Request": part}) for part in parts])
        case _:
            yield from _single(request)


def _single(part: Mapping[str, Any]) -> Iterator[str]:
    """Check what stands in one read or write."""
    for attributes in (part.get("Key", {}), part.get("Item", {}), *part.get("Keys", [])):
        yield from _keys(attributes)
    if "Item" in part and (size := _size({"M": part["Item"]})) > _ITEM_BYTES:
        yield f"an item of {size} bytes"
    for name, value in [*part.get("Item", {}).items(), *part.get("ExpressionAttributeValues", {}).items()]:
        if any(not value.get(kind, "x") for kind in ("SS", "NS", "BS")):
            yield f"{name} is an empty set"
    yield from _placeholders(part)
    if "UpdateExpression" in part:
        yield from _update(part["UpdateExpression"], part.get("ExpressionAttributeNames", {}))
    if "KeyConditionExpression" in part:
        yield from _query(part)


def _keys(attributes: Mapping[str, Any]) -> Iterator[str]:
    for name, value in attributes.items():
        if _KEY.fullmatch(name):
            size = len(value.get("S", "").encode())
            if not 1 <= size <= _KEY_BYTES[name[:2]]:
                yield f"the key {name} has {size} bytes"


def _placeholders(part: Mapping[str, Any]) -> Iterator[str]:
    used = {word for name in _EXPRESSIONS for word in _PLACEHOLDER.findall(part.get(name, ""))}
    given = {*part.get("ExpressionAttributeNames", {}), *part.get("ExpressionAttributeValues", {})}
    if used - given:
        yield f"{sorted(used - given)} stand in an expression and have no value"
    if given - used:
        yield f"{sorted(given - used)} are given and stand in no expression"


def _update(expression: str, names: Mapping[str, str]) -> Iterator[str]:
    pieces = _CLAUSE.split(expression)
    clauses, bodies = pieces[1::2], pieces[2::2]
    if pieces[0].strip() or not clauses or len(clauses) != len(set(clauses)):
        yield f"{expression!r} has a clause twice, or none"
    paths = []
    for clause, body in zip(clauses, bodies, strict=True):
        for assignment in re.split(r",(?![^(]*\))", body):
            left = assignment.partition("=")[0] if clause == "SET" else assignment
            found = _PATH.match(left.strip())
            if found is None:
                yield f"{assignment!r} has no path"
            else:
                paths.append(".".join(names.get(word, word) for word in found[0].split(".")))
    for path in paths:
        if _KEY.fullmatch(path) and path in ("pk", "sk"):
            yield f"{path} is the key and can't be updated"
    for first, second in zip(sorted(paths), sorted(paths)[1:], strict=False):
        if re.match(rf"{re.escape(first)}($|[.\[])", second):
            yield f"the paths {first} and {second} overlap"


def _query(part: Mapping[str, Any]) -> Iterator[str]:
    names, values = part.get("ExpressionAttributeNames", {}), part.get("ExpressionAttributeValues", {})
    for least, greatest in re.findall(r"BETWEEN\s+(:\w+)\s+AND\s+(:\w+)", part["KeyConditionExpression"]):
        if values.get(least, {}).get("S", "") > values.get(greatest, {}).get("S", ""):
            yield f"BETWEEN {least} AND {greatest}: the lower bound comes first"
    if re.search(r"\b(OR|NOT|IN|contains)\b|<>", part["KeyConditionExpression"], re.IGNORECASE):
        yield "a key's condition knows AND, comparisons, BETWEEN and begins_with only"
    number = part.get("IndexName", "")[3:]
    for word in re.findall(r"#?\w+", part.get("FilterExpression", "")):
        if names.get(word, word) in (f"pk{number}", f"sk{number}"):
            yield f"{word} is a key of what is queried and can't be filtered by"


def _distinct(keys: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for key, times in Counter(str((key.get("pk"), key.get("sk"))) for key in keys).items():
        if times > 1:
            yield f"{key} stands {times} times in one request"


def _at_most(limit: int, entries: Sequence[object]) -> Iterator[str]:
    if not 1 <= len(entries) <= limit:
        yield f"{len(entries)} entries in a batch, of {limit} at most"


def _written(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    (part,) = entry.values()
    written: Mapping[str, Any] = part.get("Key") or part.get("Item") or {}
    return written


def _size(value: Mapping[str, Any]) -> int:
    """Count as DynamoDB's guide does: names and text in UTF-8, numbers by their digits, a little for each container."""
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return _BOOKKEEPING + sum(len(name.encode()) + 1 + _size(member) for name, member in content.items())
        case "L":
            return _BOOKKEEPING + sum(1 + _size(member) for member in content)
        case "S" | "N":
            return len(content.encode())
        case "SS" | "NS":
            return sum(len(text.encode()) for text in content)
        case "B":
            return len(content)
        case "BS":
            return sum(len(blob) for blob in content)
    return 1
