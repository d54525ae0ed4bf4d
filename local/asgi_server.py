"""The smallest HTTP/1.1 server for an ASGI application: keep-alive, bodies with a length, one write per answer.

AWS clients need no more of the backend, and it takes half the time of a general server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

_HEAD_LIMIT = 256 * 1024
App = Callable[[Any, Any, Any], Awaitable[None]]


class _Connection(asyncio.Protocol):
    """One client's connection; its requests are answered one after another."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._buffer = bytearray()
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker; TCP always is
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        """Begin to answer the next request, if it is there whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                self._transport.close()
            return
        line, *fields = bytes(self._buffer[:end]).split(b"\r\n")
        headers = [_field(field) for field in fields]
        names = dict(headers)
        length = int(names.get(b"content-length", b"0"))
        if names.get(b"expect", b"").lower() == b"100-continue" and len(self._buffer) == end + 4:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._task = asyncio.create_task(self._answer(line, headers, names, body))
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or task.exception() is not None:
            self._transport.close()
        elif not self._transport.is_closing():
            self._next()

    async def _answer(
        self, line: bytes, headers: list[tuple[bytes, bytes]], names: Mapping[bytes, bytes], body: bytes
    ) -> None:
        method, target, _ = line.split(b" ")
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "method": method.decode(),
            "path": unquote(path.decode()),
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "scheme": "http",
            "client": ("127.0.0.1", 0),
        }
        answer = _Answer()
        waiting: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        await self._app(scope, receive, answer.take)
        self._transport.write(answer.encoded(head=method == b"HEAD"))
        if names.get(b"connection", b"").lower() == b"close":
            self._transport.close()


class _Answer:
    """Collects what the application sends."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    async def take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = message.get("headers", [])
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def encoded(self, *, head: bool) -> bytes:
        lines = [f"HTTP/1.1 {self._status} {_phrase(self._status)}".encode()]
        lines += [
            name + b": " + value
            for name, value in self._headers
            if name.lower() not in (b"content-length", b"transfer-encoding", b"connection")
        ]
        lines.append(b"content-length: " + str(len(self._body)).encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if head else bytes(self._body))


def _field(field: bytes) -> tuple[bytes, bytes]:
    name, _, value = field.partition(b":")
    return name.strip().lower(), value.strip()


def _phrase(status: int) -> str:
    with contextlib.suppress(ValueError):
        return HTTPStatus(status).phrase
    return "Unknown"


async def serve(app: App, listener: socket.socket) -> asyncio.Server:
    """Begin to answer on a listening socket."""
    return await asyncio.get_running_loop().create_server(lambda: _Connection(app), sock=listener)
