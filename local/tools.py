"""The tools beside the API: outbox, clock, faults, inbound, DNS, reset. On a port of its own, never deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from local import checkout
from local.clock import SimulatedClock
from local.engine import ClockGoesBackError
from local.fakes.stripe import Stripe
from local.faults import Fault, InvalidFaultError, parse
from local.outbox import instant

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_PAGE = Path(__file__).parent / "outbox.html"
_FAR = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


class UnprocessableError(ValueError):
    """A request that makes no sense (422)."""


class Tools(Protocol):
    """What the tools server needs of the cloud."""

    clock: SimulatedClock
    shop: Stripe

    async def move_clock(self, target_from: Callable[[float], float], housekeeping_s: float | None) -> None:
        """Move the clock to what `target_from` makes of its present instant, working off all that falls due.

        What the template itself schedules runs at most once in `housekeeping_s` simulated seconds (None: once a day).
        """

    async def outbox(self) -> list[dict[str, Any]]:
        """Answer what was sent, oldest first."""

    async def set_faults(self, faults: list[Fault]) -> None:
        """Put faults in force beside the present ones."""

    async def clear_faults(self) -> None:
        """End all faults."""

    async def describe_faults(self) -> list[dict[str, Any]]:
        """Answer the faults in force."""

    async def reset(self) -> None:
        """Forget everything but the clock."""

    async def inbound(self, channel: str, sender: str, text: str) -> int:
        """Let a client reply; answers the status that the callback got."""

    async def set_dns(self, records: list[dict[str, str]]) -> int:
        """Set DNS records, where SES looks for them; answers how many there are. No records: take all out."""

    async def invoke(self, function: str, event: Any) -> dict[str, Any]:
        """Run a function on an event; answers its payload or its error. Raises KeyError for an unknown one."""

    def functions(self) -> dict[str, Any]:
        """Answer how often each function ran and failed, and how long it took."""

    async def calls(self) -> dict[str, int]:
        """Answer how often functions called each operation of AWS and of each provider."""

    async def queues(self) -> dict[str, Any]:
        """Answer what waits in queues and streams."""


def build(tools: Tools) -> web.Application:
    """Build the server's application."""
    app = web.Application()
    routes: list[tuple[str, str, Callable[[Tools, web.Request], Awaitable[web.StreamResponse]]]] = [
        ("GET", "/", _home),
        ("GET", "/outbox", _page),
        ("GET", "/outbox.json", _outbox),
        ("GET", "/clock", _clock),
        ("POST", "/clock", _move),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _add_faults),
        ("DELETE", "/faults", _clear_faults),
        ("POST", "/reset", _reset),
        ("POST", "/inbound", _inbound),
        ("POST", "/dns", _set_dns),
        ("DELETE", "/dns", _clear_dns),
        ("GET", "/checkout/{session}", lambda tools, request: checkout.show(tools.shop, request)),
        ("POST", "/checkout/{session}/{action}", lambda tools, request: checkout.act(tools.shop, request)),
        ("GET", "/queues.json", _queues),
        ("GET", "/calls.json", _calls),
        ("GET", "/functions.json", _functions),
        ("POST", "/functions/{name}", _invoke),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _bound(tools, handler))
    return app


def _bound(
    tools: Tools, handler: Callable[[Tools, web.Request], Awaitable[web.StreamResponse]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if not _from_here(request):
            return web.json_response({"detail": "the tools answer this machine's own pages only"}, status=403)
        try:
            return await handler(tools, request)
        except UnprocessableError as error:
            return web.json_response({"detail": str(error)}, status=422)

    return handle


def _from_here(request: web.Request) -> bool:
    """Whether a request comes from a program here or from our own page, not from some site open in a browser."""
    host = request.host.rsplit(":", 1)[0]
    origin = request.headers.get("Origin")
    return host in ("127.0.0.1", "localhost") and (origin is None or origin == f"http://{request.host}")


async def _home(_: Tools, __: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/outbox")


async def _page(_: Tools, __: web.Request) -> web.StreamResponse:
    return web.Response(text=_PAGE.read_text(), content_type="text/html")


async def _outbox(tools: Tools, request: web.Request) -> web.StreamResponse:
    items = await tools.outbox()
    after = request.query.get("after", "")
    if after.isdigit():
        items = items[int(after) :]
    return web.json_response({"items": items})


async def _clock(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response({"now": instant(tools.clock.time())})


async def _move(tools: Tools, request: web.Request) -> web.StreamResponse:
    document = dict(await _document(request))
    pace = document.pop("housekeeping", None)
    pace_s = None if pace is None else parse_duration(str(pace)).total_seconds()
    read_target(document, tools.clock.time())  # so that nonsense is refused before anything waits
    try:
        await tools.move_clock(lambda now: read_target(document, now), pace_s)
    except ClockGoesBackError as error:
        raise UnprocessableError(str(error)) from error
    return web.json_response({"now": instant(tools.clock.time())})


def read_target(document: Mapping[str, Any], now: float) -> float:
    """Read where the clock is to go: `{"now": instant}` or `{"advance": duration}`. Raises UnprocessableError."""
    if set(document) == {"now"}:
        try:
            moment = datetime.fromisoformat(str(document["now"]))
        except ValueError:
            raise UnprocessableError("now is an RFC 3339 instant") from None
        if moment.tzinfo is None:
            raise UnprocessableError("now needs an offset or Z")
        target = moment.timestamp()
    elif set(document) == {"advance"}:
        target = now + parse_duration(str(document["advance"])).total_seconds()
    else:
        raise UnprocessableError('give {"now": "…Z"} or {"advance": "PT24H"}')
    if target > _FAR:
        raise UnprocessableError("the clock ends in the year 2200")
    return target


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes, seconds. Raises UnprocessableError."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise UnprocessableError("a duration is ISO 8601, such as PT24H or P7D")
    try:
        return timedelta(**{unit: int(value) for unit, value in match.groupdict().items() if value})
    except OverflowError:
        raise UnprocessableError("the duration is too long") from None


async def _faults(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response({"items": await tools.describe_faults()})


async def _add_faults(tools: Tools, request: web.Request) -> web.StreamResponse:
    document = await _json(request)
    entries = document if isinstance(document, list) else [document]
    try:
        faults = [parse(entry) for entry in entries if isinstance(entry, dict)]
    except InvalidFaultError as error:
        raise UnprocessableError(str(error)) from error
    if len(faults) != len(entries):
        raise UnprocessableError("a fault is an object")
    await tools.set_faults(faults)
    return web.json_response({"items": await tools.describe_faults()})


async def _clear_faults(tools: Tools, _: web.Request) -> web.StreamResponse:
    await tools.clear_faults()
    return web.json_response({"items": []})


async def _reset(tools: Tools, _: web.Request) -> web.StreamResponse:
    await tools.reset()
    return web.json_response({"now": instant(tools.clock.time())})


async def _inbound(tools: Tools, request: web.Request) -> web.StreamResponse:
    document = await _document(request)
    if set(document) != {"channel", "from", "text"}:
        raise UnprocessableError('give {"channel", "from", "text"}')
    try:
        status = await tools.inbound(str(document["channel"]), str(document["from"]), str(document["text"]))
    except ValueError as error:
        raise UnprocessableError(str(error)) from error
    return web.json_response({"status": status})


async def _set_dns(tools: Tools, request: web.Request) -> web.StreamResponse:
    records = (await _document(request)).get("records")
    shaped = isinstance(records, list) and all(
        isinstance(each, dict)
        and set(each) == {"name", "type", "value"}
        and all(isinstance(text, str) for text in each.values())
        for each in records
    )
    if not shaped or not records:
        raise UnprocessableError('give {"records": [{"type", "name", "value"}]}, as a channel\'s dns_records are')
    return web.json_response({"records": await tools.set_dns(records)})


async def _clear_dns(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response({"records": await tools.set_dns([])})


async def _queues(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response(await tools.queues())


async def _calls(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response(await tools.calls())


async def _functions(tools: Tools, _: web.Request) -> web.StreamResponse:
    return web.json_response(tools.functions())


async def _invoke(tools: Tools, request: web.Request) -> web.StreamResponse:
    try:
        return web.json_response(await tools.invoke(request.match_info["name"], await _json(request)))
    except KeyError:
        return web.json_response({"detail": "no such function"}, status=404)


async def _document(request: web.Request) -> Mapping[str, Any]:
    document = await _json(request)
    if not isinstance(document, dict):
        raise UnprocessableError("the body is a JSON object")
    return document


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError:
        raise UnprocessableError("the body isn't JSON") from None
