"""The types that routes take and answer, as the schemas of the OpenAPI document."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import TypeAdapter

from carillon.domain.listing import Page
from carillon.runtime.http import Nothing, Raw, Route

REFERENCE = "#/components/schemas/{model}"
Schema = dict[str, Any]


class Schemas:
    """The types of all routes as JSON schemas, each under its own name."""

    def __init__(self, routes: list[Route]) -> None:
        types: dict[str, Any] = {}
        for route in routes:
            signature = route.signature
            for kind in (signature.body, signature.query, *signature.path.values(), item_of(signature.answer)):
                if kind is not None and kind not in (Raw, Nothing):
                    types[repr(kind)] = kind
        inputs = [(name, "validation", TypeAdapter(kind)) for name, kind in types.items()]
        found, definitions = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE)  # type: ignore[arg-type]
        self._found = {name: _tidy(schema) for (name, _), schema in found.items()}
        self.components: dict[str, Schema] = _tidy(definitions.get("$defs", {}))

    def of(self, kind: Any) -> Schema:
        """Give the schema of a type; a document is a reference."""
        schema: Schema = self._found[repr(kind)]
        return schema

    def fields(self, kind: Any) -> tuple[dict[str, Schema], set[str]]:
        """Give the fields of a document and the names of those it requires."""
        schema = self.of(kind)
        document = self.components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return document["properties"], set(document.get("required", ()))

    def partial(self, kind: Any) -> Schema:
        """Give the reference of a document of which any field may be left out."""
        name = self.of(kind)["$ref"].rpartition("/")[2]
        whole = self.components[name]
        changed = {field: _without(schema, "default") for field, schema in whole["properties"].items()}
        variant = _without(whole, "required") | {"properties": changed, "minProperties": 0}
        self.components[f"{name}Change"] = _without(variant, "minProperties")
        return {"$ref": REFERENCE.format(model=f"{name}Change")}


def _tidy(schema: Any) -> Any:
    """Leave out the titles that pydantic makes up from names."""
    if isinstance(schema, dict):
        return {key: _tidy(value) for key, value in schema.items() if key != "title" or isinstance(value, dict)}
    return [_tidy(entry) for entry in schema] if isinstance(schema, list) else schema


def _without(schema: Schema, name: str) -> Schema:
    return {key: value for key, value in schema.items() if key != name}


def item_of(answer: Any) -> Any:
    """Give what an answer is, or what a page of it holds."""
    return get_args(answer)[0] if get_origin(answer) is Page else answer
