"""A door: one Lambda function behind API Gateway's HTTP API, made of declared routes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from carillon.domain.codec import dumps
from carillon.domain.errors import Contended, Fault, Invalid, NotFound, Refused
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller
from carillon.runtime.http import cursors, problems, repeats
from carillon.runtime.http.call import Answer, Call, Nothing, Raw
from carillon.runtime.http.problems import Rejected
from carillon.runtime.http.routes import Route, Routes
from carillon.runtime.http.validation import Draft, adapter, read_object, validate, validate_strings
from carillon.runtime.logging import logger

JSON = "application/json"
_USER = re.compile(r"[\x21-\x7e]{1,128}")
_JSON_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
Event = Mapping[str, Any]


class Door(Routes):
    """The function's routes and its handler. `answers` gives the store of repeated calls, when one is needed."""

    def __init__(self, answers: Callable[[], repeats.Answers] | None = None) -> None:
        super().__init__()
        self._answers = answers
        self._resolver: APIGatewayHttpResolver | None = None

    def include(self, *collections: Routes) -> None:
        """Add the routes of other modules of the same function."""
        for collection in collections:
            self.routes += collection.routes

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway (payload format 2.0)."""
        if self._resolver is None:
            self._resolver = self._resolve_with()
        return self._resolver.resolve(event, context)

    def _resolve_with(self) -> APIGatewayHttpResolver:
        resolver = APIGatewayHttpResolver()
        for route in self.routes:
            resolver.route(route.path, method=route.method)(self._endpoint(resolver, route))
        resolver.not_found(lambda _: self._guard(resolver.current_event.raw_event, None, self._unknown))
        return resolver

    def _endpoint(self, resolver: APIGatewayHttpResolver, route: Route) -> Callable[..., Response[str]]:
        def endpoint(**path: str) -> Response[str]:
            event: Event = resolver.current_event.raw_event
            return self._guard(event, route, lambda: self._answer(event, route, path))

        return endpoint

    def _guard(self, event: Event, route: Route | None, run: Callable[..., Response[str]]) -> Response[str]:
        """Turn whatever goes wrong into a problem document; only what is our own fault is logged."""
        request_id = event["requestContext"]["requestId"]
        try:
            return run() if route else run(event)
        except Refused as error:
            text = problems.body(error.status, error.code, error.detail, request_id, error.faults)
            return _response(error.status, text, problems.CONTENT_TYPE, getattr(error, "headers", {}))
        except Contended as error:
            logger().warning("contended", extra={"request_id": request_id, "reason": str(error)})
            text = problems.body(503, "busy", "others are writing the same; repeat the call", request_id)
            return _response(503, text, problems.CONTENT_TYPE, {"Retry-After": "1"})
        except Exception as error:  # noqa: BLE001 - the boundary: no detail leaves, all of it is logged
            where = f"{route.method} {route.path}" if route else None
            logger().error("request failed", extra={"request_id": request_id, "route": where}, exc_info=error)
            text = problems.body(500, "internal_error", "try again; if it persists, quote request_id", request_id)
            return _response(500, text, problems.CONTENT_TYPE, {})

    def _unknown(self, event: Event) -> Response[str]:
        path = event["rawPath"]
        allowed = sorted({r.method for r in self.routes if re.fullmatch(_pattern(r.path), path)})
        if not allowed:
            raise NotFound("there is nothing at this path")
        detail = f"this resource knows {', '.join(allowed)}"
        raise Rejected(405, "method_not_allowed", detail, {"Allow": ", ".join(allowed)})

    def _answer(self, event: Event, route: Route, path: Mapping[str, str]) -> Response[str]:
        headers: Mapping[str, str] = event.get("headers") or {}
        caller = _caller(event, headers, route)
        body = _body(event, route)
        org_id = caller.org_id if caller else ""
        arguments, position = _arguments(event, route, path, org_id, body)
        attempt = None
        if route.method == "POST" and caller is not None:
            attempt = repeats.attempt_of(headers, route.method, event["rawPath"], body)
        request_id = event["requestContext"]["requestId"]
        domain = event["requestContext"].get("domainName", "")
        call = Call(request_id, headers, caller, position, attempt, domain)
        if attempt is None or self._answers is None or route.repeats == "own":
            return _render(route.endpoint(call, **arguments), event, org_id)

        def run() -> StoredAnswer:
            answer = route.endpoint(call, **arguments)
            if not isinstance(answer, Answer):
                raise TypeError("a POST that may be repeated answers a document")
            return attempt.answered(answer.status, answer.document, answer.etag)

        stored = repeats.answer_once(self._answers(), org_id, attempt, run, lease=route.repeats == "leased")
        etag = {"ETag": f'"{stored.etag}"'} if stored.etag else {}
        return _response(stored.status or 200, stored.body, JSON, etag)


def _pattern(path: str) -> str:
    return re.sub(r"<\w+>", "[^/]+", re.sub(r"[.]", r"\.", path))


def _caller(event: Event, headers: Mapping[str, str], route: Route) -> Caller | None:
    if route.roles is None:
        return None
    known = event["requestContext"].get("authorizer", {}).get("lambda") or {}
    if known.get("role") not in route.roles:
        allowed = ", ".join(sorted(route.roles))
        raise Rejected(403, "role_not_allowed", f"this call is for the roles {allowed}")
    user = headers.get("on-behalf-of")
    if user is not None and _USER.fullmatch(user) is None:
        raise Invalid([Fault("", "invalid_value", "On-Behalf-Of must have 1 to 128 visible ASCII characters")])
    return Caller(known["org_id"], known["role"], known["key_id"], known["mode"], user)


def _body(event: Event, route: Route) -> bytes:
    text: str = event.get("body") or ""
    try:
        data = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except ValueError as error:
        raise Rejected(400, "invalid_json", "the body is not UTF-8 text") from error
    if len(data) > route.max_body:
        raise Rejected(413, "body_too_large", f"the body must have at most {route.max_body} bytes")
    return data


def _arguments(
    event: Event, route: Route, path: Mapping[str, str], org_id: str, body: bytes
) -> tuple[dict[str, Any], str | None]:
    """Validate path, query and body; also give the position that a list's cursor stands for."""
    signature = route.signature
    arguments: dict[str, Any] = {name: _path_value(name, model, path[name]) for name, model in signature.path.items()}
    given: Mapping[str, str] = event.get("queryStringParameters") or {}
    position = None
    if signature.query is not None:
        arguments["query"] = query = validate_strings(signature.query, given)
        if getattr(query, "cursor", None):
            position = cursors.decode(query.cursor, *_scope(event, org_id))
    elif given:
        raise Invalid([Fault(f"/{name}", "unknown_field", "is not a parameter of this call") for name in given])
    if signature.body is not None:
        arguments["body"] = _content(signature.body, body, event.get("headers") or {}, draft=signature.draft)
    elif body.strip() and (unknown := read_object(body)):
        raise Invalid([Fault(f"/{name}", "unknown_field", "is not known") for name in unknown])
    return arguments, position


def _path_value(name: str, model: Any, text: str) -> Any:
    try:
        value = unquote(text, errors="strict")
        return adapter(model).validate_python(value)
    except ValueError as error:
        rule = "must be 1 to 64 of A-Z a-z 0-9 . _ : -"
        raise Invalid([Fault(f"/{name}", "invalid_value", rule)], f"{name} in the path {rule}") from error


def _content(model: Any, body: bytes, headers: Mapping[str, str], *, draft: bool) -> Any:
    kind = headers.get("content-type")
    if kind is not None and _JSON_TYPES.fullmatch(kind.strip()) is None:
        raise Rejected(415, "unsupported_media_type", "send the body as application/json")
    given = read_object(body)
    return Draft(model, given) if draft else validate(model, body)


def _scope(event: Event, org_id: str) -> list[str]:
    """Name a list: whose it is, its path and its filters."""
    filters = {k: v for k, v in (event.get("queryStringParameters") or {}).items() if k not in ("cursor", "limit")}
    return [org_id, event["rawPath"], *(f"{name}={filters[name]}" for name in sorted(filters))]


def _render(answer: Answer[Any] | Raw | Nothing, event: Event, org_id: str) -> Response[str]:
    if isinstance(answer, Nothing):
        return _response(answer.status, "", JSON, {})
    if isinstance(answer, Raw):
        return _response(answer.status, answer.body, answer.content_type, answer.headers)
    document, cursor = answer.document, None
    if isinstance(document, Page):
        cursor = cursors.encode(document.position, *_scope(event, org_id))
        document = {"items": document.items, "next_cursor": cursor}
    headers = dict(answer.headers)
    if answer.etag is not None:
        headers["ETag"] = f'"{answer.etag}"'
    if answer.text is not None:
        return _response(answer.status, answer.text, answer.content_type, headers | _leads_on(event, cursor))
    return _response(answer.status, dumps(document), JSON, headers)


def _leads_on(event: Event, cursor: str | None) -> dict[str, str]:
    """Name the next page where the body has no room for it (RFC 8288)."""
    if cursor is None:
        return {}
    query = urlencode({**(event.get("queryStringParameters") or {}), "cursor": cursor})
    return {"X-Next-Cursor": cursor, "Link": f'<{event["rawPath"]}?{query}>; rel="next"'}


def _response(status: int, body: str, content_type: str, headers: Mapping[str, str]) -> Response[str]:
    extra = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **headers}
    return Response(status_code=status, content_type=content_type, body=body, headers=dict(extra))
