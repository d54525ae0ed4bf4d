"""A Lambda authorizer with simple responses and its cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.gateway.events import Response, message
from local.wiring import AuthorizerSpec
from local.workers import Outcome, Workers

_CACHE_SIZE = 10_000


class Authorizers:
    """Asks the authorizer functions and remembers what they said, per identity source, for their TTL."""

    def __init__(self, workers: Workers, time: Callable[[], float]) -> None:
        self._workers = workers
        self._time = time
        self._cache: dict[tuple[str, ...], tuple[float, Mapping[str, Any]]] = {}

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    async def check(self, spec: AuthorizerSpec, event: Mapping[str, Any]) -> Response | dict[str, Any]:
        """Answer the authorizer's context for this request, or the response that turns it away."""
        identity = [event["headers"].get(name) for name in spec.identity_headers]
        if any(not value for value in identity):
            return message(401, "Unauthorized")
        key = (spec.function, *(str(value) for value in identity))
        expires, answer = self._cache.get(key, (0.0, {}))
        if expires <= self._time():
            outcome = await self._ask(spec, event, identity)
            if not _usable(outcome):
                return message(500, "Internal Server Error")
            answer = outcome.payload
            self._remember(key, spec.ttl_s, answer)
        if not answer.get("isAuthorized"):
            return message(403, "Forbidden")
        return dict(answer.get("context") or {})

    async def _ask(self, spec: AuthorizerSpec, event: Mapping[str, Any], identity: list[Any]) -> Outcome:
        context = event["requestContext"]
        question = {
            **{key: value for key, value in event.items() if key not in ("body", "isBase64Encoded")},
            "type": "REQUEST",
            "routeArn": (
                f"arn:aws:execute-api:local:{context['accountId']}:local/$default/"
                f"{context['http']['method']}{context['http']['path']}"
            ),
            "identitySource": identity,
        }
        return await self._workers.invoke(spec.function, question)

    def _remember(self, key: tuple[str, ...], ttl_s: int, answer: Mapping[str, Any]) -> None:
        if ttl_s <= 0:
            return
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[key] = (self._time() + ttl_s, answer)


def _usable(outcome: Outcome) -> bool:
    return outcome.error is None and isinstance(outcome.payload, dict) and "isAuthorized" in outcome.payload
