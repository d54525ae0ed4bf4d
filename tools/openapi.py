"""Writes the OpenAPI document from the doors' own declarations: `make openapi`.

The document is shipped with the doors and served as it is; a contract test holds it to the declarations.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import get_origin

from carillon.domain.errors import CODES, Code
from carillon.domain.listing import Page
from carillon.domain.organizations import ROLES
from carillon.runtime.http import Door, Nothing, Raw, Route
from carillon.runtime.http.problems import CONTENT_TYPE, TITLES, status_of
from carillon.runtime.http.repeats import MAX_KEY
from tools.openapi_schemas import REFERENCE, Schema, Schemas, item_of

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "layers/shared/carillon/runtime/http/openapi.json"
JSON = "application/json"
DESCRIPTION = """Appointment notifications and reminders for service businesses.

**Authentication.** `Authorization: Bearer <key>`; the organization comes from the key alone. A `test` key works on a
separate data set: nothing leaves, deliveries are simulated. `On-Behalf-Of: <user id>` says for whom a call is made.

**Errors** are problem details (RFC 9457) with a `code` of a closed list; invalid input names every fault at once with
a JSON pointer. Only what the gateway itself answers has its own short body `{"message": …}`: 401 without a key, 403
for a key that is not known, has ended or whose organization is suspended, 413 above 10 MB, 429 and 503.

**Repeated calls.** A POST with an `Idempotency-Key` has one effect and one answer for 24 hours.

**Versions.** Documents that people edit carry an `ETag`; saving takes `If-Match`, `*` for any version.

**Lists** are `{"items": […], "next_cursor": …}`; a page may be shorter than its limit and still have a cursor.
"""


def doors() -> list[Door]:
    """Load every HTTP function's door, by the name of its folder."""
    names = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    modules = [importlib.import_module(f"functions.{name}.app") for name in names if name.endswith("_api")]
    return [module.door for module in modules]


def build() -> Schema:
    """Build the document."""
    routes = sorted((route for door in doors() for route in door.routes), key=lambda r: (r.path, r.method))
    schemas = Schemas(routes)
    paths: dict[str, Schema] = defaultdict(dict)
    for route in routes:
        paths[_path(route)][route.method.lower()] = _operation(route, schemas)
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "Carillon",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in sorted({_tag(route) for route in routes})],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `crl_live_…` or `crl_test_…`."}
            },
            "responses": _shared_responses(),
            "schemas": dict(sorted((schemas.components | _problem_schemas()).items())),
        },
    }
    return _used(document)


def _used(document: Schema) -> Schema:
    """Drop the schemas that nothing refers to (queries became parameters)."""
    schemas: Schema = document["components"]["schemas"]
    while unused := [name for name in schemas if f'"{REFERENCE.format(model=name)}"' not in json.dumps(document)]:
        for name in unused:
            del schemas[name]
    return document


def _path(route: Route) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", route.path)


def _tag(route: Route) -> str:
    parts = route.path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" else "service"


def _operation(route: Route, schemas: Schemas) -> Schema:
    roles = [role for role in ROLES if role in (route.roles or ())]
    described = [route.description, f"Roles: {', '.join(roles)}." if roles else ""]
    operation: Schema = {
        "operationId": route.endpoint.__name__,
        "tags": [_tag(route)],
        "summary": route.summary,
        "description": "\n\n".join(part for part in described if part),
        "parameters": _parameters(route, schemas),
    }
    if roles:
        operation["x-roles"] = roles
    else:
        operation["security"] = []
    if route.signature.body is not None:
        partial = route.signature.draft and (route.method == "PATCH" or route.versioned)
        schema = schemas.partial(route.signature.body) if partial else schemas.of(route.signature.body)
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    operation["responses"] = _answers(route, schemas) | _refusals(route)
    return {key: value for key, value in operation.items() if value or key == "security"}


def _parameters(route: Route, schemas: Schemas) -> list[Schema]:
    signature = route.signature
    found = [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(kind)}
        for name, kind in signature.path.items()
    ]
    if signature.query is not None:
        fields, required = schemas.fields(signature.query)
        for name, schema in fields.items():
            found.append({"name": name, "in": "query", "required": name in required, "schema": _given(schema)})
    if route.method == "PUT" and route.versioned:
        found.append(
            _header("If-Match", "The version that was read, or `*` for any.", required=not route.new_unmatched)
        )
    if route.method == "POST" and route.roles:
        found.append(_header("Idempotency-Key", "Makes the call repeatable for 24 h.", longest=MAX_KEY))
    if route.roles:
        found.append(_header("On-Behalf-Of", "The user for whom the call is made.", pattern=r"^[\x21-\x7e]{1,128}$"))
    return found


def _given(schema: Schema) -> Schema:
    """A query parameter is left out or given; it can't be null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else schema


def _header(
    name: str, description: str, *, required: bool = False, longest: int | None = None, pattern: str | None = None
) -> Schema:
    schema: Schema = {"type": "string", "minLength": 1}
    schema |= {"maxLength": longest} if longest else {}
    schema |= {"pattern": pattern} if pattern else {}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _answers(route: Route, schemas: Schemas) -> Schema:
    answer = route.signature.answer
    content: Schema = {}
    if answer is Raw:
        html = route.path == "/docs"
        content = {"text/html" if html else JSON: {"schema": {"type": "string" if html else "object"}}}
    elif answer is not Nothing:
        schema = schemas.of(item_of(answer))
        content = {JSON: {"schema": _list_of(schema) if get_origin(answer) is Page else schema}}
        content |= {kind: {"schema": {"type": "string"}} for kind in route.also_as}
    headers = {"ETag": {"schema": {"type": "string"}, "description": "The version."}} if route.versioned else {}
    if route.also_as:
        told = "Where the next page begins, if there is one; of answers that are no JSON."
        headers |= {name: {"schema": {"type": "string"}, "description": told} for name in ("Link", "X-Next-Cursor")}
    words = {200: "Done", 201: "Made", 202: "Accepted", 204: "Done"}
    return {
        str(status): {"description": words[status]}
        | ({"content": content} if content else {})
        | ({"headers": headers} if headers else {})
        for status in route.statuses
    }


def _list_of(schema: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": schema},
            "next_cursor": {"type": ["string", "null"], "description": "Give it as `cursor` for the next page."},
        },
    }


def _codes(route: Route) -> set[Code]:
    """Name the codes that a route can answer."""
    signature = route.signature
    codes: set[Code] = {"internal_error", "invalid_input", *route.errors}
    codes |= {"role_not_allowed"} if route.roles else set()
    codes |= {"not_found"} if route.roles else set()
    if signature.body is not None or route.method in ("POST", "PUT", "PATCH"):
        codes |= {"invalid_json", "body_too_large"}
    if signature.body is not None:
        codes.add("unsupported_media_type")
    if signature.query is not None and "cursor" in signature.query.__dataclass_fields__:
        codes.add("invalid_cursor")
    if route.method == "POST" and route.roles:
        codes |= {"idempotency_in_progress", "idempotency_key_reused"}
    if route.method == "PUT" and route.versioned:
        codes |= {"if_match_required", "version_conflict"}
    return codes


def _refusals(route: Route) -> Schema:
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code in sorted(_codes(route)):
        by_status[status_of(code)].append(code)
    problem = {CONTENT_TYPE: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    found: Schema = {}
    for status, codes in sorted(by_status.items()):
        told = "; ".join(f"`{code}` ({TITLES[code]})" for code in codes)
        found[str(status)] = {"description": told, "content": dict(problem)}
    found["500"] = {"$ref": "#/components/responses/InternalError"}
    if route.roles:
        found["401"] = {"$ref": "#/components/responses/NoKey"}
        found["403"]["content"] |= _gateway("")["content"]
        found["403"]["description"] += "; or, as the gateway answers, a key that is not known or not valid any more."
    found["429"] = {"$ref": "#/components/responses/TooMany"}
    found["503"] = {"$ref": "#/components/responses/Busy"}
    return dict(sorted(found.items()))


def _gateway(description: str) -> Schema:
    content = {JSON: {"schema": {"$ref": REFERENCE.format(model="GatewayMessage")}}}
    return {"description": f"{description} (the gateway's answer).", "content": content}


def _shared_responses() -> Schema:
    problem = {CONTENT_TYPE: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    return {
        "InternalError": {"description": f"`internal_error` ({TITLES['internal_error']})", "content": problem},
        "NoKey": _gateway("No key"),
        "TooMany": _gateway("Too many calls"),
        "Busy": {
            "description": f"`busy` ({TITLES['busy']}); or the gateway is not available.",
            "content": problem | _gateway("")["content"],
        },
    }


def _problem_schemas() -> dict[str, Schema]:
    code = {"type": "string", "enum": list(CODES)}
    text = {"type": "string"}
    fault = {"pointer": text | {"description": "JSON pointer."}, "code": code, "message": text}
    place = {"type": "integer", "minimum": 1, "description": "Where in a template, from 1."}
    problem = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text, "code": code}
    errors = {"type": "array", "items": {"$ref": REFERENCE.format(model="Fault")}}
    return {
        "Fault": {"type": "object", "required": list(fault), "properties": fault | {"line": place, "column": place}},
        "Problem": {
            "type": "object",
            "description": "Why a call was refused (RFC 9457).",
            "required": [*problem, "request_id"],
            "properties": problem | {"request_id": text, "errors": errors},
        },
        "GatewayMessage": {"type": "object", "properties": {"message": {"type": ["string", "null"]}}},
    }


def text() -> str:
    """Write the document as it is shipped."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}\n")
