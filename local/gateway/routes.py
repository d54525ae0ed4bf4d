"""Which route of an HTTP API a request takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from local.wiring import RouteSpec

_VARIABLE = re.compile(r"\{([^}+]+)(\+?)\}")
_STATIC, _PARAMETER, _GREEDY = 0, 1, 2


@dataclass(frozen=True)
class Match:
    """A route with the values of its path variables."""

    route: RouteSpec
    parameters: dict[str, str]

    @property
    def key(self) -> str:
        """Answer the route key as events carry it, for example `ANY /v1/settings/{proxy+}`."""
        return "$default" if self.route.path == "$default" else f"{self.route.method} {self.route.path}"


class RouteTable:
    """Chooses as API Gateway does: the most specific path first, a named method before ANY, $default last."""

    def __init__(self, routes: Iterable[RouteSpec]) -> None:
        entries = [(_rank(route), _pattern(route.path), route) for route in routes]
        self._entries = sorted(entries, key=lambda entry: entry[0])

    def match(self, method: str, path: str) -> Match | None:
        """Find the route for a request, or None (404)."""
        for _, pattern, route in self._entries:
            if route.method not in (method, "ANY"):
                continue
            found = pattern.fullmatch(path)
            if found:
                return Match(route, found.groupdict())
        return None


def _rank(route: RouteSpec) -> tuple[bool, list[int], bool]:
    kinds = []
    for segment in route.path.split("/"):
        variable = _VARIABLE.fullmatch(segment)
        kinds.append(_STATIC if variable is None else _GREEDY if variable.group(2) else _PARAMETER)
    return route.path == "$default", kinds, route.method == "ANY"


def _pattern(path: str) -> re.Pattern[str]:
    if path == "$default":
        return re.compile(r".*", re.DOTALL)
    pattern, position = "", 0
    for variable in _VARIABLE.finditer(path):
        name, greedy = variable.groups()
        pattern += re.escape(path[position : variable.start()])
        pattern += f"(?P<{name}>{'.+' if greedy else '[^/]+'})"
        position = variable.end()
    return re.compile(pattern + re.escape(path[position:]), re.DOTALL)
