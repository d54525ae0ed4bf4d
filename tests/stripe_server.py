"""The local Stripe behind HTTP, in a thread of its own: the official client speaks to it as to the real one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from carillon.adapters.providers.stripe_payments import StripePayments, StripeSettings
from carillon.adapters.secrets import Secrets
from local.clock import SimulatedClock
from local.config import STRIPE_ACCOUNT
from local.fakes.http import FakeServer
from local.fakes.stripe import BASE, Stripe
from local.faults import FaultRegistry
from local.store import Store


class Posts:
    """Stands in for what posts events: keeps them."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def add(self, after_s: float, url: str, headers: dict[str, str], body: str) -> None:  # noqa: ARG002
        self.bodies.append(body)


class Played:
    """The local Stripe behind HTTP, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.faults, self.posts, self.calls = FaultRegistry(), Posts(), list[tuple[str, str, str | None]]()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._folder = folder
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.store = Store(self._folder / "cloud.sqlite")
        clock = SimulatedClock(self._folder / "clock")
        posts: Any = self.posts
        self.stripe = Stripe(
            self.store, posts, clock, self.faults, page_url="http://pay.local", api_url="http://api.local"
        )
        server = FakeServer(self.faults)
        server.add(f"{BASE}/", "stripe", self.stripe)

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            self.calls.append((request.method, request.path, request.headers.get("Idempotency-Key")))
            return await server.handle(request)

        async def begin() -> None:
            self.runner = web.ServerRunner(web.Server(handle, access_log=None))
            await self.runner.setup()
            site = web.TCPSite(self.runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}{BASE}"
            self._ready.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()
        self._loop.run_until_complete(self.runner.cleanup())
        self.store.close()
        self._loop.close()

    def act(self, deed: Callable[[], Any]) -> Any:
        """Do as a buyer or a bank, in the thread of the store."""

        async def run() -> Any:
            return deed()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def payments(self, *, automatic_tax: bool = False, key: str = STRIPE_ACCOUNT[0]) -> StripePayments:
        settings = StripeSettings("carillon", self.url, automatic_tax)
        return StripePayments(lambda: Secrets("k", "", "", key, "whsec"), settings)
