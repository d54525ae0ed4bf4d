"""Counts the calls that functions make to the backend."""

from __future__ import annotations

from collections import Counter

from local.backend_faults import SERVICES, FaultyBackend, Receive, Scope, Send, caller


class CountingBackend:
    """An ASGI application in front of the one that plays faults; a call that a fault strikes was made all the same."""

    def __init__(self, app: FaultyBackend) -> None:
        self._app = app
        self._calls: Counter[str] = Counter()

    def counts(self) -> dict[str, int]:
        """Answer how often each operation was called since the start: `dynamodb.GetItem`."""
        return dict(self._calls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one ASGI request and pass it on; what is no function's call is not counted."""
        if scope["type"] == "http" and caller(scope):
            target, _, operation = dict(scope["headers"]).get(b"x-amz-target", b"").decode().partition(".")
            service = SERVICES.get(target.encode())
            if service is not None:
                self._calls[f"{service}.{operation}"] += 1
        await self._app(scope, receive, send)
