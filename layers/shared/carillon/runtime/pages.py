"""The door of pages that people open from a message: no API key, no cookie, no script; a signed token is in the path.

Whatever comes in, GET and HEAD change nothing, because mail programs and scanners fetch links ahead of people, and POST
takes any body, because mail programs post what they like (RFC 8058).
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from carillon.domain.values import value
from carillon.runtime.logging import logger

Handler = Callable[[dict[str, Any], object], dict[str, Any]]
MAX_FORM = 2_000
"""Characters of a form that are read: our own are a few."""
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address is the right to act for the person, so it is told to nobody.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


@value
class PageCall:
    """A request for a page: the token in its path, the button that was pressed, and what the browser reads."""

    token: str
    choice: str | None
    changes: bool
    languages: str


Show = Callable[[PageCall], tuple[int, str]]
"""Makes a page: its status and its HTML."""


def page_door(pages: Mapping[str, Show], failed: Callable[[], str]) -> Handler:
    """Make a handler of pages by the beginning of their path (`/u/`); `failed` is the page for when one breaks."""

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        method = event["requestContext"]["http"]["method"]
        prefix, _, token = event["rawPath"].removeprefix("/").partition("/")
        show = pages.get(f"/{prefix}/")
        if method not in ("GET", "HEAD", "POST"):
            return {"statusCode": 405, "headers": _HEADERS | {"allow": "GET, HEAD, POST"}, "body": ""}
        try:
            changes = method == "POST"
            call = PageCall(
                token if show is not None else "",
                _choice(event) if changes else None,
                changes,
                (event.get("headers") or {}).get("accept-language", "")[:MAX_FORM],
            )
            status, html = (show or next(iter(pages.values())))(call)
        except Exception as error:  # noqa: BLE001 - the boundary: no detail leaves, all of it is logged
            request_id = event["requestContext"]["requestId"]
            logger().error("page failed", extra={"request_id": request_id, "page": prefix[:8]}, exc_info=error)
            status, html = 500, failed()
        return {"statusCode": status, "headers": dict(_HEADERS), "body": "" if method == "HEAD" else html}

    return handler


def _choice(event: Mapping[str, Any]) -> str | None:
    """Read which button of a form of ours was pressed; None for anything else."""
    text = event.get("body") or ""
    if len(text) > 2 * MAX_FORM:
        return None
    try:
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text).decode(errors="replace")
        fields = parse_qs(text, errors="replace", max_num_fields=10)
    except ValueError:
        return None
    return fields["choice"][-1] if "choice" in fields else None
