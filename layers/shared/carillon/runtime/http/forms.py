"""The door of providers' callbacks: posts without a key, answered 204, 200 with what they read, or a problem.

What comes in is verified by each callback before anything is read from it; a callback refuses with `Refused`.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from carillon.domain.errors import Forbidden, NotFound, Refused
from carillon.domain.values import value
from carillon.runtime.http import problems
from carillon.runtime.logging import logger

Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@value
class FormCall:
    """One post. `body` is the text as it was sent, and `raw` its bytes: what a signature covers."""

    path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    domain: str
    raw: bytes

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "FormCall":
        """Read an event of API Gateway (payload format 2.0)."""
        text = event.get("body") or ""
        raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode(errors="replace")
        return cls(
            path=event["rawPath"],
            raw_query=event.get("rawQueryString", ""),
            query=event.get("queryStringParameters") or {},
            headers=event.get("headers") or {},
            body=raw.decode(errors="replace"),
            domain=event["requestContext"].get("domainName", ""),
            raw=raw,
        )

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def url(self, base_url: str) -> str:
        """Give the address as the provider was told it: configured, never taken from the Host header.

        Without a configured one it is API Gateway's own domain, which the gateway names and the caller cannot.
        """
        base = base_url or f"https://{self.domain}"
        return f"{base}{self.path}?{self.raw_query}" if self.raw_query else f"{base}{self.path}"

    def refuse_unless(self, signed: bool) -> None:
        """Refuse (403) what is not signed."""
        if not signed:
            raise Forbidden("signature_invalid", "the signature is missing or does not fit")


@value
class Text:
    """An answer that is not JSON."""

    body: str
    content_type: str


Callback = Callable[[FormCall], Mapping[str, Any] | Text | None]
"""Takes a call; gives the JSON, or another text, of the answer where the provider reads it."""


def form_door(callbacks: Mapping[str, Callback]) -> Handler:
    """Make a handler of callbacks by path; one that ends in `/*` takes any last part."""

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        request_id = event["requestContext"]["requestId"]
        try:
            call = FormCall.of(event)
            known = event["requestContext"]["http"]["method"] == "POST"
            answer = _taker(callbacks, call.path if known else "")(call)
        except Refused as error:
            return _problem(error.status, problems.body(error.status, error.code, error.detail, request_id, ()))
        except Exception as error:  # noqa: BLE001 - the boundary: the provider tries again
            logger().error("callback failed", extra={"request_id": request_id}, exc_info=error)
            return _problem(500, problems.body(500, "internal_error", "try again", request_id, ()))
        headers = {"cache-control": "no-store"}
        if answer is None:
            return {"statusCode": 204, "headers": headers, "body": ""}
        said = answer if isinstance(answer, Text) else Text(json.dumps(answer, ensure_ascii=False), "application/json")
        return {"statusCode": 200, "headers": {**headers, "content-type": said.content_type}, "body": said.body}

    return handler


def _taker(callbacks: Mapping[str, Callback], path: str) -> Callback:
    general = f"{path.rpartition('/')[0]}/*"
    return callbacks.get(path) or callbacks.get(general) or _nothing_here


def _nothing_here(_call: FormCall) -> None:
    raise NotFound("there is nothing at this path")


def _problem(status: int, body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": problems.CONTENT_TYPE}, "body": body}
