"""The variables that templates may use, as data: the check at save, the catalog and the sample data follow it."""

from dataclasses import field
from typing import Any

from carillon.domain.values import value

Path = tuple[str, ...]


@value
class Leaf:
    """One text. `typed`: people typed it, so it can't carry a link or a line break into a message."""

    typed: bool = True


@value
class Listing:
    """A list that `for` may walk; `item` describes its entries, None for plain texts."""

    item: "Group | None" = None


@value
class Group:
    """Named variables; `open` takes any name (the integrator's own fields)."""

    members: dict[str, "Leaf | Listing | Group"] = field(default_factory=dict)
    open: bool = False


Node = Leaf | Listing | Group


def _texts(*names: str) -> dict[str, Node]:
    return {name: Leaf() for name in names}


def _ours(*names: str) -> dict[str, Node]:
    """Texts that are made here or are links of the record, not typed prose."""
    return {name: Leaf(typed=False) for name in names}


_APPOINTMENT = _ours("date", "day", "time", "end_time", "weekday", "duration", "price", "status") | _texts(
    "service", "location"
)
_LINE = Group(_ours("time", "end_time", "duration", "status") | _texts("client", "service", "staff", "location"))
_PERSON = Group(_ours("count", "first_time", "last_time") | _texts("name"))

TREE = Group(
    {
        "organization": Group(_ours("name", "phone", "email", "address", "website")),
        "client": Group(_texts("first_name", "last_name", "full_name")),
        "staff": Group(_texts("name")),
        "staff_names": Listing(),
        "appointment": Group(_APPOINTMENT | _ours("manage_url", "payment_url")),
        "slot": Group(_ours("date", "day", "time", "weekday", "booking_url") | _texts("service", "staff")),
        "order": Group(_ours("status", "total", "due") | _texts("number", "summary")),
        "lead": Group(_ours("status") | _texts("name", "phone", "email", "summary")),
        "task": Group(_ours("status", "due") | _texts("title", "author", "record")),
        "reminder": Group(_ours("key", "lead_time", "day") | {"others": Listing(_LINE)}),
        "recap": Group(
            _ours("date", "day", "weekday", "count", "first_time", "last_time", "more")
            | {"items": Listing(_LINE), "people": Listing(_PERSON)}
        ),
        "review": Group(_ours("url")),
        "links": Group(_ours("preferences", "unsubscribe")),
        "fields": Group(open=True),
    }
)
"""Every variable of the catalog."""

LINKS: tuple[Path, ...] = (
    ("appointment", "manage_url"),
    ("appointment", "payment_url"),
    ("slot", "booking_url"),
    ("review", "url"),
    ("links", "preferences"),
    ("links", "unsubscribe"),
    ("organization", "website"),
)
"""The only values that become links in an e-mail."""


def find(path: Path, tree: Node = TREE) -> Node | None:
    """Find what a dotted path names; None if the catalog does not know it."""
    node: Node | None = tree
    for name in path:
        if not isinstance(node, Group):
            return None
        node = Leaf() if node.open else node.members.get(name)
    return node


def names() -> list[dict[str, Any]]:
    """List every variable as the catalog shows it: `{name, list, fields?}`; `fields.*` stands for any own field."""
    return _listed(TREE, ())


def _listed(group: Group, prefix: Path) -> list[dict[str, Any]]:
    if group.open:
        return [{"name": ".".join((*prefix, "*")), "list": False}]
    found: list[dict[str, Any]] = []
    for name, node in group.members.items():
        path = (*prefix, name)
        if isinstance(node, Group):
            found += _listed(node, path)
            continue
        entry: dict[str, Any] = {"name": ".".join(path), "list": isinstance(node, Listing)}
        if isinstance(node, Listing) and node.item is not None:
            entry["fields"] = list(node.item.members)
        found.append(entry)
    return found
