"""HTTP requests as API Gateway payload format 2.0 events, and Lambda's answers as HTTP responses."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from local.gateway.routes import Match
from local.template import ACCOUNT_ID

_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came in. `raw_path` and `raw_query` are undecoded."""

    method: str
    raw_path: str
    raw_query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"


@dataclass
class Response:
    """An HTTP response to give."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class MalformedAnswerError(ValueError):
    """A function's answer isn't one that API Gateway understands."""


def message(status: int, text: str) -> Response:
    """Build one of the gateway's own answers."""
    return Response(status, [("content-type", "application/json")], json.dumps({"message": text}).encode())


def lower_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join the headers under lower-case names, repeated ones with commas; cookies have a place of their own."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key != "cookie":
            joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def build_event(request: Request, match: Match, request_id: str, now: datetime) -> dict[str, Any]:
    """Build the payload format 2.0 event of a request."""
    headers = lower_headers(request.headers)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.key,
        "rawPath": request.raw_path,
        "rawQueryString": request.raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": headers.get("host", "127.0.0.1"),
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": request.raw_path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": match.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    cookies = [c.strip() for n, v in request.headers if n.lower() == "cookie" for c in v.split(";")]
    if cookies:
        event["cookies"] = cookies
    query = _query(request.raw_query)
    if query:
        event["queryStringParameters"] = query
    if match.parameters:
        event["pathParameters"] = match.parameters
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type"))
    return event


def _query(raw: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """Keep text as it is; the rest, web forms included, goes base64-encoded."""
    if content_type is None or content_type.lower().startswith(_TEXT_TYPES) or "+json" in content_type:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def translate(answer: Any) -> Response:
    """Turn a function's answer into the HTTP response. Raises MalformedAnswerError."""
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        headers = [("content-type", "application/json")]
        return Response(200, headers, b"" if answer is None else _inferred(answer))
    try:
        status = int(answer["statusCode"])
        text = answer.get("body")
        if text is None:
            body = b""
        elif not isinstance(text, str):
            raise MalformedAnswerError("body is not a string")
        elif answer.get("isBase64Encoded"):
            body = base64.b64decode(text)
        else:
            body = text.encode()
        headers = [(str(name).lower(), str(value)) for name, value in (answer.get("headers") or {}).items()]
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers.append((str(name).lower(), ",".join(str(value) for value in values)))
        headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    except (TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise MalformedAnswerError(str(error)) from error
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=utf-8"))
    return Response(status, headers, body)


def _inferred(answer: Any) -> bytes:
    return (answer if isinstance(answer, str) else json.dumps(answer)).encode()
