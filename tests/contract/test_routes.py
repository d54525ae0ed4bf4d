"""The routes that the code declares are the ones that API Gateway lets through, with a key where one is needed."""

from __future__ import annotations

import functools
import importlib
import json
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from carillon.runtime.http import Door, Route
from local.template import load

ROOT: Final = Path(__file__).parents[2]
GREEDY: Final = "/{proxy+}"


class Entry(NamedTuple):
    """One route of the gateway."""

    path: str
    function: str
    public: bool


@functools.cache
def gateway() -> list[Entry]:
    api = load(ROOT / "template.yaml")["Resources"]["HttpApi"]["Properties"]["Body"]
    entries = []
    for path, methods in api["paths"].items():
        operation = methods["x-amazon-apigateway-any-method"]
        target = re.search(r"\$\{(\w+)\.Arn\}", json.dumps(operation["x-amazon-apigateway-integration"]))
        assert target is not None
        entries.append(Entry(path, target[1], operation["security"] == [{"NONE": []}]))
    return entries


def entry_for(path: str) -> Entry | None:
    """Find the gateway's route for a path: the exact one, else the longest greedy one."""
    exact = [entry for entry in gateway() if entry.path == path]
    greedy = [
        entry
        for entry in gateway()
        if entry.path.endswith(GREEDY) and path.startswith(entry.path.removesuffix("{proxy+}"))
    ]
    return (exact + sorted(greedy, key=lambda entry: -len(entry.path)) + [None])[0]


def folder_of(function: str) -> str:
    handler = load(ROOT / "template.yaml")["Resources"][function]["Properties"]["Handler"]
    return str(handler).split(".")[1]


# Take forms from providers, and show pages, by path; their only entries at the gateway are the public ones below.
FORMS: Final = {"CallbacksFunction", "ClientPagesFunction"}
DOORS: Final = sorted(
    function
    for function in {entry.function for entry in gateway()} - FORMS
    if (ROOT / "functions" / folder_of(function) / "app.py").exists()
)


@functools.cache
def declared(function: str) -> list[Route]:
    """Routes of the function's door."""
    app = importlib.import_module(f"functions.{folder_of(function)}.app")
    doors = [value for value in vars(app).values() if isinstance(value, Door)]
    assert len(doors) == 1, f"{app.__name__} has one door"
    return doors[0].routes


@pytest.mark.parametrize("function", DOORS)
class TestEveryDoor:
    def test_gets_the_calls_that_it_declares(self, function: str) -> None:
        lost = []
        for route in declared(function):
            entry = entry_for(re.sub(r"<\w+>", "x", route.path))
            if entry is None or entry.function != function:
                lost.append(f"{route.method} {route.path}")
        assert lost == []

    def test_asks_for_a_key_exactly_where_the_code_names_roles(self, function: str) -> None:
        wrong = []
        for route in declared(function):
            entry = entry_for(re.sub(r"<\w+>", "x", route.path))
            if entry is not None and entry.public != (route.roles is None):
                wrong.append(f"{route.method} {route.path}")
        assert wrong == []

    def test_has_no_route_at_the_gateway_that_leads_nowhere(self, function: str) -> None:
        used = {entry_for(re.sub(r"<\w+>", "x", route.path)) for route in declared(function)}
        mine = {entry for entry in gateway() if entry.function == function}
        assert mine - used == set()


def test_every_route_but_the_public_ones_asks_for_a_key() -> None:
    public = {entry.path for entry in gateway() if entry.public}
    assert public == {"/health", "/openapi.json", "/docs", "/callbacks/{proxy+}", "/u/{proxy+}", "/billing/done"}
