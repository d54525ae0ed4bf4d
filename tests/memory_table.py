"""The table in memory: transactions, conditions and updates as DynamoDB has them, at thousands of calls a second.

It knows the expressions that we write and refuses others. A test that plays many histories uses it; what is particular
to DynamoDB is tried on moto.
"""

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.table import ConditionsFailed, Page, Table, Write

Hook = Callable[[str], None]
"""Called with `before` and `after` each call; what it raises, the caller meets."""
_TOKEN = re.compile(
    r"attribute_(?P<no>not_)?exists\((?P<of>#?\w+)\)|(?P<word>AND|OR|IN)\b|(?P<call>if_not_exists|list_append)\("
    r"|(?P<value>:\w+)|(?P<name>#?[A-Za-z_]\w*)|(?P<op><=|>=|<>|[=<>()+,-])|(?P<space>\s+)"
)
_OPERATORS = {"=": "==", "<>": "!="}
_WORDS = {"AND": " and ", "OR": " or ", "IN": " in "}


class _Missing:
    """An attribute that isn't there compares with nothing."""

    def _no(self, _other: object) -> bool:
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _no
    __hash__ = object.__hash__


MISSING = _Missing()


@lru_cache(maxsize=512)
def _compiled(expression: str) -> CodeType:
    python, place = [], 0
    while place < len(expression):
        found = _TOKEN.match(expression, place)
        if found is None:
            raise NotImplementedError(f"{expression!r} at {expression[place:]!r}")
        place = found.end()
        parts = found.groupdict()
        if parts["of"]:
            python.append(f"({'not ' if parts['no'] else ''}has({parts['of']!r}))")
        elif parts["word"]:
            python.append(_WORDS[parts["word"]])
        elif parts["call"]:
            python.append(f"{parts['call']}(")
        elif parts["value"]:
            python.append(f"values[{parts['value'][1:]!r}]")
        elif parts["name"]:
            python.append(f"attribute({parts['name']!r})")
        elif parts["op"]:
            python.append(_OPERATORS.get(parts["op"], parts["op"]))
    source = re.sub(r"in \(([^,()]*)\)", r"in (\1,)", "".join(python))
    return compile(source, expression, "eval")


def _evaluate(expression: str, item: Item | None, write: Write) -> Any:
    known = item or {}

    def name(text: str) -> str:
        return write.names[text[1:]] if text.startswith("#") else text

    def attribute(text: str) -> Any:
        return known.get(name(text), MISSING)

    scope = {
        "values": write.values,
        "has": lambda text: name(text) in known,
        "attribute": attribute,
        "if_not_exists": lambda value, other: other if value is MISSING else value,
        "list_append": lambda one, other: [*one, *other],
    }
    return eval(_compiled(expression), {"__builtins__": {}}, scope)  # noqa: S307 - our own expressions


def _updated(item: Item | None, write: Write) -> Item:
    after = copy.copy(item) if item is not None else {"pk": write.key[0], "sk": write.key[1]}
    sets, _, removes = (write.update or "").partition("REMOVE ")
    for part in re.split(r",\s*(?=#?\w+ = )", sets.removeprefix("SET ").strip()):
        if part:
            target, _, expression = part.partition(" = ")
            target = write.names[target[1:]] if target.startswith("#") else target
            value = _evaluate(expression, item, write)
            if value is MISSING:
                raise ValueError(f"{part}: the attribute doesn't exist")
            after[target] = value
    for removed in filter(None, removes.split(",")):
        text = removed.strip()
        after.pop(write.names[text[1:]] if text.startswith("#") else text, None)
    return after


class MemoryTable(Table):
    """See `Table`; `items` may be looked into."""

    def __init__(self, hook: Hook = lambda _when: None) -> None:
        super().__init__(None, "memory")  # type: ignore[arg-type]
        self.items: dict[Key, Item] = {}
        self.hook = hook

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:  # noqa: ARG002
        return self.transact_get([key]).get(key)

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:  # noqa: ARG002
        return self.transact_get(list(keys))

    def transact_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        self.hook("before")
        return {key: copy.copy(self.items[key]) for key in keys if key in self.items}

    def write(self, write: Write) -> bool:
        self.hook("before")
        done = not self._failed([write])
        if done:
            self._apply([write])
        self.hook("after")
        return done

    def change(self, write: Write) -> tuple[bool, Item]:
        self.hook("before")
        done = not self._failed([write])
        if done:
            self._apply([write])
        self.hook("after")
        return done, copy.copy(self.items.get(write.key, {}))

    def transact(self, writes: Sequence[Write], *, token: str | None = None, rounds: int = 8) -> None:  # noqa: ARG002
        if len({write.key for write in writes}) < len(writes):
            raise ValueError("a transaction writes each item once")
        self.hook("before_transaction")
        failed = self._failed(writes)
        if failed:
            raise ConditionsFailed(failed)
        self._apply(writes)
        self.hook("after")

    def query(
        self,
        pk: str,
        *,
        index: str | None = None,
        prefix: str | None = None,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        after: Mapping[str, str] | None = None,
        descending: bool = False,
        consistent: bool = False,  # noqa: ARG002
    ) -> Page:
        if index is not None or after is not None:
            raise NotImplementedError
        self.hook("before")
        least, greatest = between or (prefix or "", (prefix or "") + "\uffff")
        if least > greatest:
            raise ValueError("BETWEEN takes the lower bound first")
        found = sorted(key for key in self.items if key[0] == pk and least <= key[1] <= greatest)
        shown = (found[::-1] if descending else found)[:limit]
        return Page([copy.copy(self.items[key]) for key in shown], None)

    def _failed(self, writes: Sequence[Write]) -> list[int]:
        return [
            place
            for place, write in enumerate(writes)
            if write.condition is not None and not _evaluate(write.condition, self.items.get(write.key), write)
        ]

    def _apply(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.delete:
                self.items.pop(write.key, None)
            elif write.item is not None:
                kept = {name: value for name, value in write.item.items() if value is not None}
                self.items[write.key] = {"pk": write.key[0], "sk": write.key[1], **kept}
            elif write.update is not None:
                self.items[write.key] = _updated(self.items.get(write.key), write)
