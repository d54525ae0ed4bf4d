"""The API's description and its page, served by one door for all."""

import hashlib
import re
from base64 import b64encode
from functools import lru_cache
from importlib.resources import files

from carillon.runtime.http.call import Raw

_START = 'SwaggerUIBundle({url:"openapi.json",dom_id:"#ui",deepLinking:true,persistAuthorization:false});'
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Carillon API</title><style>{style}</style></head>
<body><div id="ui"></div><script>{bundle}</script><script>{start}</script></body></html>
"""


def description() -> Raw:
    """Give the OpenAPI document as it was generated (`tools/openapi.py`)."""
    return Raw(_shipped("openapi.json"), "application/json", {"Cache-Control": "public, max-age=300"})


@lru_cache(maxsize=1)
def page() -> Raw:
    """Give Swagger UI in one page: scripts and styles are inside, so that no other host is asked for anything."""
    ui = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"
    style = (ui / "swagger-ui.min.css").read_text("utf-8")
    # Inside an element, these three would end it or keep it from ending; in a script they only stand in strings.
    bundle = re.sub("<(?=!--|/?script)", r"\\x3c", (ui / "swagger-ui-bundle.min.js").read_text("utf-8"))
    scripts = " ".join(f"'sha256-{_hash(text)}'" for text in (bundle, _START))
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    body = _PAGE.format(style=style, bundle=bundle, start=_START)
    headers = {"Content-Security-Policy": policy, "Cache-Control": "public, max-age=300"}
    return Raw(body, "text/html; charset=utf-8", headers)


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=1)
def _shipped(name: str) -> str:
    return (files("carillon.runtime.http") / name).read_text("utf-8")
