"""The HTTP server in front of the doors."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from aiohttp import web

from local.clock import SimulatedClock
from local.gateway.authorizer import Authorizers
from local.gateway.cors import Cors
from local.gateway.events import (
    MalformedAnswerError,
    Request,
    Response,
    build_event,
    message,
    translate,
)
from local.gateway.routes import RouteTable
from local.wiring import RouteSpec
from local.workers import Workers

_BODY_LIMIT = 10 * 1024 * 1024
_INTEGRATION_TIMEOUT_S = 30.0
_HOP_BY_HOP = frozenset({"content-length", "connection", "transfer-encoding", "date", "server"})


class Gateway:
    """Serves the routes of one HTTP API."""

    def __init__(self, routes: Sequence[RouteSpec], cors: Cors, workers: Workers, clock: SimulatedClock) -> None:
        self._routes = RouteTable(routes)
        self._cors = cors
        self._workers = workers
        self._clock = clock
        self.authorizers = Authorizers(workers, clock.time)

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        request_id = str(uuid.uuid4())
        response = await self._respond(http, request_id)
        answer = web.Response(status=response.status, body=response.body)
        answer.headers.popall("content-type", None)
        for name, value in response.headers:
            if name not in _HOP_BY_HOP:
                answer.headers.add(name, value)
        answer.headers["apigw-requestid"] = request_id
        return answer

    async def _respond(self, http: web.BaseRequest, request_id: str) -> Response:
        body = await _read(http)
        if body is None:
            return message(413, "Request Entity Too Large")
        raw_path, _, raw_query = http.raw_path.partition("?")
        request = Request(
            method=http.method,
            raw_path=raw_path,
            raw_query=raw_query,
            headers=list(http.headers.items()),
            body=body,
            source_ip=http.remote or "127.0.0.1",
        )
        return await self.serve(request, request_id)

    async def serve(self, request: Request, request_id: str) -> Response:
        """Answer a request that has been read: preflight, route, authorizer, function, translation."""
        preflight = self._cors.preflight(request)
        if preflight is not None:
            return preflight
        response = await self._serve(request, request_id)
        self._cors.decorate(request, response)
        return response

    async def _serve(self, request: Request, request_id: str) -> Response:
        match = self._routes.match(request.method, request.raw_path)
        if match is None:
            return message(404, "Not Found")
        event = build_event(request, match, request_id, self._clock.now())
        if match.route.authorizer is not None:
            verdict = await self.authorizers.check(match.route.authorizer, event)
            if isinstance(verdict, Response):
                return verdict
            event["requestContext"]["authorizer"] = {"lambda": verdict}
        try:
            invocation = asyncio.ensure_future(self._workers.invoke(match.route.function, event))
            outcome = await asyncio.wait_for(asyncio.shield(invocation), _INTEGRATION_TIMEOUT_S)
        except TimeoutError:
            return message(503, "Service Unavailable")
        if outcome.error is not None:
            return message(500, "Internal Server Error")
        try:
            return translate(outcome.payload)
        except MalformedAnswerError:
            return message(500, "Internal Server Error")


async def _read(http: web.BaseRequest) -> bytes | None:
    """Read the body, or answer None if it is over the gateway's limit."""
    body = bytearray()
    async for chunk in http.content.iter_any():
        if len(body) + len(chunk) <= _BODY_LIMIT:
            body += chunk
        else:  # the rest is read and dropped, so that the sender gets to see the answer
            body = bytearray(_BODY_LIMIT)
            async for _ in http.content.iter_any():
                pass
            return None
    return bytes(body)
