"""DynamoDB's wire types, both ways: only those we store (strings, integers, booleans, lists, maps)."""

from typing import Any

Item = dict[str, Any]
"""An item as plain Python values."""
Wire = dict[str, Any]
"""An item as DynamoDB's API spells it."""


def to_wire(value: object) -> Wire:
    """Spell one value."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case list() | tuple():
            return {"L": [to_wire(entry) for entry in value]}
        case dict():
            return {"M": {key: to_wire(entry) for key, entry in value.items()}}
        case None:
            return {"NULL": True}
    raise TypeError(f"a {type(value).__name__} is not stored")


def from_wire(value: Wire) -> Any:
    """Read one value."""
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return int(content)
        case "L":
            return [from_wire(entry) for entry in content]
        case "M":
            return {key: from_wire(entry) for key, entry in content.items()}
        case "NULL":
            return None
    raise TypeError(f"type {kind} is not stored")


def item_to_wire(item: Item) -> Wire:
    """Spell an item; attributes that are None are left out."""
    return {name: to_wire(value) for name, value in item.items() if value is not None}


def item_from_wire(item: Wire) -> Item:
    """Read an item."""
    return {name: from_wire(value) for name, value in item.items()}
