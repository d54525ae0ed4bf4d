"""The OpenAPI document that is served: valid, complete, and exactly what the doors declare."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from carillon.domain.errors import CODES
from carillon.runtime.http.problems import STATUSES, TITLES
from tools import openapi


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.TARGET.read_text("utf-8"))
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_is_what_the_doors_declare() -> None:
    assert openapi.TARGET.read_text("utf-8") == openapi.text(), "run `make openapi` and commit the document"


def test_is_valid_openapi(served: dict[str, Any]) -> None:
    validate(served)
    assert served["openapi"] == "3.1.0"


def test_names_every_operation_once(served: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(served)]
    assert len(names) == len(set(names))


def test_says_who_may_call(served: dict[str, Any]) -> None:
    public = {path for _, path, operation in operations(served) if operation.get("security") == []}
    assert public == {"/health", "/openapi.json", "/docs", "/billing/done"}
    for _, path, operation in operations(served):
        if path not in public:
            assert operation["x-roles"], path
            assert "401" in operation["responses"], path


def test_lists_every_code_and_each_has_a_title(served: dict[str, Any]) -> None:
    assert served["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CODES)
    assert set(TITLES) == set(CODES)
    assert set(STATUSES) <= set(CODES)


def test_every_schema_is_used_and_every_reference_leads_somewhere(served: dict[str, Any]) -> None:
    text = json.dumps(served)
    schemas = served["components"]["schemas"]
    assert {name for name in schemas if f'"#/components/schemas/{name}"' not in text} == set()
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas
