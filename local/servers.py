"""The cloud's HTTP servers: ports are taken first, since addresses go into everything else."""

from __future__ import annotations

import socket

from aiohttp import web

_BACKLOG = 512


class Servers:
    """Named servers on 127.0.0.1."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}
        self._runners: list[web.BaseRunner] = []

    def reserve(self, name: str, port: int, *, or_any: bool = False) -> str:
        """Listen on a port (0: any free one) and answer the base URL.

        Raises OSError if it is taken, or takes a free one instead if `or_any`.
        """
        try:
            listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        except OSError:
            if not or_any:
                raise
            listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._sockets[name] = listener
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def serve(self, name: str, server: web.Server) -> None:
        """Begin to answer with a plain handler."""
        await self._begin(name, web.ServerRunner(server, shutdown_timeout=0.5))

    async def serve_app(self, name: str, app: web.Application) -> None:
        """Begin to answer with an application."""
        await self._begin(name, web.AppRunner(app, access_log=None, shutdown_timeout=0.5))

    async def _begin(self, name: str, runner: web.BaseRunner) -> None:
        await runner.setup()
        self._runners.append(runner)
        await web.SockSite(runner, self._sockets[name], backlog=_BACKLOG).start()

    async def close(self) -> None:
        """Stop answering and listening."""
        for runner in self._runners:
            await runner.cleanup()
        for listener in self._sockets.values():
            listener.close()
