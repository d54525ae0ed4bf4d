"""CORS as an HTTP API does it by itself, from the configuration in its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.gateway.events import Request, Response
from local.template import Template


class Cors:
    """Answers preflights and adds the headers; without a configuration it does nothing."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._origins = _list(configuration.get("allowOrigins", []))
        self._methods = ",".join(_list(configuration.get("allowMethods", [])))
        self._headers = ",".join(_list(configuration.get("allowHeaders", [])))
        self._exposed = ",".join(_list(configuration.get("exposeHeaders", [])))
        self._max_age = configuration.get("maxAge")
        self._credentials = bool(configuration.get("allowCredentials"))

    def preflight(self, request: Request) -> Response | None:
        """Answer a preflight; None for any other request."""
        names = {name.lower() for name, _ in request.headers}
        if not self._origins or request.method != "OPTIONS" or not {"origin", "access-control-request-method"} <= names:
            return None
        response = Response(204)
        self.decorate(request, response)
        if response.headers:
            response.headers.append(("access-control-allow-methods", self._methods))
            response.headers.append(("access-control-allow-headers", self._headers))
            if self._max_age is not None:
                response.headers.append(("access-control-max-age", str(self._max_age)))
        return response

    def decorate(self, request: Request, response: Response) -> None:
        """Put the headers for an allowed origin on a response, in place of the function's own."""
        if not self._origins:
            return
        origin = next((value for name, value in request.headers if name.lower() == "origin"), "")
        response.headers = [h for h in response.headers if not h[0].startswith("access-control-")]
        if not origin or not ({"*", origin} & set(self._origins)):
            return
        response.headers.append(("access-control-allow-origin", "*" if "*" in self._origins else origin))
        if self._exposed:
            response.headers.append(("access-control-expose-headers", self._exposed))
        if self._credentials:
            response.headers.append(("access-control-allow-credentials", "true"))


def read(template: Template) -> Cors:
    """Read the configuration of the template's HTTP API."""
    for api in template.resources("AWS::ApiGatewayV2::Api"):
        body = api.properties.get("Body") or {}
        return Cors(body.get("x-amazon-apigateway-cors", {}))
    return Cors({})


def _list(value: Any) -> Sequence[str]:
    """Read a list, or the comma-joined text that a CommaDelimitedList parameter is here."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value]
