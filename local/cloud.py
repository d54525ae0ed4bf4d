"""The local cloud put together: backend, workers, API, fakes, scheduler, engine and tools."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from local import wiring
from local.approved_cache import ApprovedCache
from local.backend import Backend
from local.clock import SimulatedClock
from local.config import TWILIO_ACCOUNT, CloudConfig
from local.engine import Engine
from local.fakes.callbacks import Callbacks
from local.fakes.eum import Eum
from local.fakes.http import FakeServer
from local.fakes.inbound import Inbound
from local.fakes.push import Push
from local.fakes.ses import Ses
from local.fakes.ses_identities import Identities, of_template
from local.fakes.sns import Sns
from local.fakes.stripe import BASE as STRIPE_BASE
from local.fakes.stripe import Stripe
from local.fakes.telegram import Telegram
from local.fakes.twilio import Twilio
from local.fakes.viber import Viber
from local.faults import FaultRegistry
from local.gateway import cors
from local.gateway.server import Gateway
from local.operations import Operations
from local.outbox import Outbox
from local.provision import client, fill_secrets, local_parameters, make_resources, worker_environment
from local.scheduler.api import SchedulerApi
from local.scheduler.firing import ScheduleTimer
from local.scheduler.schedules import Schedules
from local.servers import Servers
from local.store import Store
from local.template import Template, load
from local.texts import approve_templates, texts_fingerprint
from local.tools import build as build_tools
from local.tracing import MessageTracer
from local.triggers.invocations import AsyncInvocations
from local.triggers.periodic import PeriodicTimer
from local.triggers.queues import QueuePump
from local.triggers.streams import StreamPump
from local.workers import Workers

Progress = Callable[[str], None]


class AlreadyRunningError(RuntimeError):
    """Another local cloud works on the same state."""


class Cloud:
    """One local cloud. `start`, use, `stop`; everything it started ends with it."""

    def __init__(self, config: CloudConfig) -> None:
        self.config = config
        self.faults = FaultRegistry()
        self._lock = self._take_lock(config)
        clock_file = config.state_dir / "clock"
        self.clock = SimulatedClock(clock_file)
        self.clock.unfreeze()  # a process that was killed while moving it may have left it standing
        self.store = Store(config.state_dir / "cloud.sqlite")
        self.backend = Backend(config.state_dir, config.state_dir / "logs" / "backend.log", clock_file, config.region)
        self.servers = Servers()
        self.operator_key = self._operator_key()

    @staticmethod
    def _take_lock(config: CloudConfig) -> Any:
        if config.fresh:
            _refuse_foreign(config.state_dir)
        config.state_dir.mkdir(parents=True, exist_ok=True)
        lock = (config.state_dir / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"a local cloud is running on {config.state_dir} already") from None
        if config.fresh:
            _empty(config.state_dir)
        return lock

    def _operator_key(self) -> str:
        key: str | None = self.store.get_note("operator key")
        if key is None:
            key = f"crl_live_@.local.{secrets.token_urlsafe(24)}"
            self.store.put_note("operator key", key)
        return key

    async def start(self, progress: Progress = lambda _: None) -> None:
        """Start everything. Raises OSError if a port is taken."""
        config = self.config
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))
        progress("ports")
        self.api_url = self.servers.reserve("api", config.api_port, or_any=config.ports_are_defaults)
        self.tools_url = self.servers.reserve("tools", config.tools_port, or_any=config.ports_are_defaults)
        self.fakes_url = self.servers.reserve("fakes", 0)
        progress("backend and template")
        processed, _ = await asyncio.gather(
            asyncio.to_thread(load, config.template, config.state_dir / "cache"), self.backend.start()
        )
        self.template = Template(
            processed=processed,
            region=config.region,
            stack_name=config.stack_name,
            parameters=local_parameters(
                processed, self.api_url, self.fakes_url, _sha256(self.operator_key), config.sms_backend
            ),
            queue_url=self.backend.queue_url,
            api_url=self.api_url,
        )
        progress("tables, queues and topics")
        await asyncio.to_thread(make_resources, self.template, self.backend.url)
        progress("functions")
        self._build()
        await self._start_serving()
        self._approving = asyncio.create_task(self.approve_templates())

    def _build(self) -> None:
        config, template, clock, store = self.config, self.template, self.clock, self.store
        functions = wiring.functions(template)
        routes = wiring.routes(template)
        self.workers = Workers(
            functions,
            worker_environment(config, self.backend.url, self.fakes_url),
            config.state_dir / "clock",
            config.state_dir / "logs",
            config.region,
        )
        doors = {route.function for route in routes} | {r.authorizer.function for r in routes if r.authorizer}
        self.workers.concurrency = {**dict.fromkeys(doors, 2), **config.concurrency}
        self.gateway = Gateway(routes, cors.read(template), self.workers, clock)
        self.outbox_list = Outbox(store, clock)
        self.tracer = MessageTracer(self.outbox_list, self.backend)
        self.callbacks = Callbacks(store, clock, self.session)
        self.invocations = AsyncInvocations(store, self.workers, self.backend, clock)
        roles = {r.arn for r in template.resources("AWS::IAM::Role") if _is_for_scheduler(r.properties)}
        self.schedules = Schedules(store, clock, config.region, roles)
        for group in template.resources("AWS::Scheduler::ScheduleGroup"):
            self.schedules.ensure_group(group.name)
        firing = ScheduleTimer(self.schedules, store, self.backend, self.invocations, clock, self.faults)
        periodic = PeriodicTimer(wiring.periodic_schedules(template), store, self.invocations, clock, config.region)
        self.pumps = [self._pump(mapping) for mapping in wiring.source_mappings(template)]
        timers = (firing, self.callbacks, self.invocations)
        self.engine = Engine(clock, self.backend, self.workers, self.pumps, timers, periodic)
        self.callbacks.background.on_idle = self.engine.notify
        self.invocations.background.on_idle = self.engine.notify
        self._build_fakes()

    def _pump(self, mapping: wiring.SourceMapping) -> QueuePump | StreamPump:
        if mapping.is_stream:
            return StreamPump(mapping, self.backend, self.workers, self.clock, self.faults)
        return QueuePump(mapping, self.backend, self.workers, self.faults)

    def _build_fakes(self) -> None:
        self.twilio = Twilio(TWILIO_ACCOUNT, self.store, self.outbox_list, self.callbacks, self.clock, self.faults)
        sns_url = f"{self.backend.url}/"
        self.fakes = FakeServer(self.faults)
        self.identities = Identities(self.store, self.config.region, of_template(self.template))
        ses = Ses(self.template, self.outbox_list, self.callbacks, self.clock, self.faults, sns_url, self.identities)
        self.fakes.add("/aws/ses", "ses", ses)
        eum = Eum(self.template, self.store, self.outbox_list, self.callbacks, self.clock, self.faults, sns_url)
        self.fakes.add("/aws/sms-voice", "sns", eum)
        push = Push(self.store, self.outbox_list, self.config.region)
        self.fakes.add("/aws/sns", "sns", Sns(self.outbox_list, push, self.session, self.backend.url))
        self.fakes.add("/aws/scheduler", "scheduler", SchedulerApi(self.schedules))
        telegram = Telegram(self.store, self.outbox_list, self.clock, self.session, self.faults)
        viber = Viber(self.store, self.outbox_list, self.callbacks, self.clock, self.session, self.faults)
        self.fakes.add("/bot", "telegram", telegram)
        self.fakes.add("/pa/", "viber", viber)
        addresses = {"page_url": self.tools_url, "api_url": self.api_url}
        self.stripe = Stripe(self.store, self.callbacks, self.clock, self.faults, **addresses)
        self.fakes.add(f"{STRIPE_BASE}/", "stripe", self.stripe)
        self.fakes.add("/", "twilio", self.twilio)
        self.fakes.on_crash = self.workers.crash
        self.backend.on_crash = self.workers.crash
        chats = {"telegram": telegram.person, "viber": viber.person, "sms": eum.reply}
        self.inbound = Inbound(self.twilio, self.outbox_list, self.session, self.api_url, chats)

    async def _start_serving(self) -> None:
        await asyncio.to_thread(fill_secrets, self.template, self.backend.url, TWILIO_ACCOUNT)
        for pump in self.pumps:
            if isinstance(pump, StreamPump):
                await pump.open()
        await self.servers.serve("fakes", web.Server(self.fakes.handle, access_log=None))
        await self.servers.serve("api", web.Server(self.gateway.handle, access_log=None))
        await self.servers.serve_app("tools", build_tools(Operations(self)))
        self.engine.start()

    def warm(self, *functions: str) -> None:
        """Start the processes of functions that are about to be used."""
        for function in functions:
            self.invocations.background.begin(self.workers.warm(f"{self.config.stack_name}-{function}"))

    async def templates_approved(self) -> None:
        """Wait until the WhatsApp texts are approved, which goes on beside everything else after the start."""
        await self._approving

    async def approve_templates(self) -> None:
        """Have the built-in WhatsApp texts approved, if they can have changed since the last time."""
        texts = texts_fingerprint(self.config)
        tables = self.template.resources("AWS::DynamoDB::Table")
        if texts is None or not tables or self.store.get_note("approved texts") == texts:
            return
        cache = ApprovedCache(self.config.state_dir / "cache", texts)
        dynamodb, table = client("dynamodb", self.backend.url, self.config.region), tables[0].name
        if not cache.restore(self.store, dynamodb, table):
            environment = worker_environment(self.config, self.backend.url, self.fakes_url)
            if not await approve_templates(self.config, environment, table, self.fakes_url):
                return
            cache.save(self.store, dynamodb, table)
        self.store.put_note("approved texts", texts)

    async def stop(self) -> None:
        """End everything; state is kept."""
        await self.servers.close()
        if hasattr(self, "_approving"):
            self._approving.cancel()
            await asyncio.gather(self._approving, return_exceptions=True)
        if hasattr(self, "engine"):
            await self.engine.stop()
            await self.invocations.background.stop()
            await self.callbacks.background.stop()
            await self.workers.stop()
        await self.backend.stop()
        if hasattr(self, "session"):
            await self.session.close()
        self.store.close()
        self._lock.close()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_for_scheduler(properties: Any) -> bool:
    return "scheduler.amazonaws.com" in json.dumps(properties.get("AssumeRolePolicyDocument", {}))


def _refuse_foreign(folder: Path) -> None:
    """Never empty a folder that isn't a local cloud's."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "clock").exists():
        raise RuntimeError(f"{folder} is not a local cloud's folder; it is left as it is")


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name in ("lock", "cache"):
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
