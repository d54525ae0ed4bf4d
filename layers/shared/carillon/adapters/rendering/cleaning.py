"""Values that people typed are data: one line of text, without control characters and without a link."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from carillon.domain.constraints import BIDI_CONTROLS
from carillon.domain.variables import TREE, Group, Leaf, Listing, Node

MAX_VALUE = 2000
"""Characters of one value that reach a message."""

_SCHEME = re.compile(r"\b[a-z][a-z0-9+.\-]{1,20}:/{2}|\b(?:javascript|data|vbscript|mailto|tel|sms):", re.IGNORECASE)
_DOMAIN_DOT = re.compile(r"(?<=[^\W_])[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")
_MAY_LINK = re.compile(r"[.:\u3002\uff0e\uff61]")
_WIDE = re.compile(" {2,}")
_BREAKS = frozenset("\r\n\t\u2028\u2029\x0b\x0c\x85")
_LINK = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.IGNORECASE)
_TYPED = Leaf()
_INVISIBLE = BIDI_CONTROLS | frozenset("\u200b\u2060\ufeff\u00ad")


def one_line(text: str) -> str:
    """Drop control and invisible characters, and join the lines; a subject or a name has only one."""
    if not text.isprintable():
        kept = (" " if char in _BREAKS else char for char in text if char not in _INVISIBLE)
        text = "".join(char for char in kept if unicodedata.category(char) not in ("Cc", "Cs"))
    return (_WIDE.sub(" ", text) if "  " in text else text).strip()


def typed(text: str) -> str:
    """Make typed text inert: phones and mail programs turn `evil.com` into a link, so it must not look like one."""
    line = one_line(text)
    if _MAY_LINK.search(line):
        line = _DOMAIN_DOT.sub(". ", _SCHEME.sub("", line))
    return line[:MAX_VALUE]


def link(text: str | None, domains: Sequence[str] = ()) -> str | None:
    """Let an http(s) address through, of the domains that the organization allows (none named: any); else None."""
    if text is None or _LINK.fullmatch(text) is None:
        return None
    host = re.split(r"[/?#]", text.split("://", 1)[1], maxsplit=1)[0].rsplit("@", 1)[-1].split(":", 1)[0].lower()
    allowed = not domains or any(host == name.lower() or host.endswith(f".{name.lower()}") for name in domains)
    return text if allowed else None


def links_in(text: str, domains: Sequence[str] = ()) -> list[str]:
    """Find the addresses in a text that may be links; what ends a sentence behind one is not part of it."""
    found = (match.group().rstrip(".,;:!?)]'*_") for match in _LINK.finditer(text))
    return list(dict.fromkeys(url for url in found if link(url, domains)))


def clean(values: Mapping[str, Any], domains: Sequence[str] = (), tree: Group = TREE) -> dict[str, Any]:
    """Clean every value as the catalog says what it is."""
    return {name: _clean(value, _member(tree, name), domains) for name, value in values.items()}


def _member(tree: Group, name: str) -> Node:
    return _TYPED if tree.open else tree.members.get(name, _TYPED)


def _clean(value: Any, node: Node, domains: Sequence[str]) -> Any:
    if isinstance(value, str):
        return typed(value) if not isinstance(node, Leaf) or node.typed else one_line(value)
    if isinstance(value, dict):
        if not isinstance(node, Group):
            return None
        if node.open:
            return {name: _field(item, domains) for name, item in value.items()}
        return clean(value, domains, node)
    if isinstance(value, list):
        item = node.item if isinstance(node, Listing) else None
        value[:] = [_clean(entry, item or _TYPED, domains) for entry in value]
        return value
    return value


def _field(value: Any, domains: Sequence[str]) -> Any:
    if not isinstance(value, str):
        return value if value is None or isinstance(value, bool | int | float) else None
    # The integrator's own field may be a link when it is nothing else; inside a text it is only text.
    return link(value.strip(), domains) or typed(value)
