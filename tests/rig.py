"""An organization with its whole pipeline in memory: services as shipped, joined to the fakes."""

from typing import Any, cast

from carillon.domain.channels import Channel
from carillon.domain.messages import Message
from carillon.domain.organizations import Caller
from carillon.domain.records import StoredRecord
from carillon.ports.queues import Ready
from carillon.services.announcing import Announcer
from carillon.services.appointments import AppointmentInput, Appointments, Put
from carillon.services.asking import Asking
from carillon.services.blocks import Blocks
from carillon.services.clients import ClientKeeping
from carillon.services.closing import Closing
from carillon.services.dispatching import Dispatched, Dispatcher
from carillon.services.fallback import Fallback
from carillon.services.making import MessageMaker
from carillon.services.opting import Opting
from carillon.services.outgoing import OutgoingMaker
from carillon.services.pausing import Pausing, SharedPause
from carillon.services.planning import Planner
from carillon.services.posting import EventInput, EventView, Posting
from carillon.services.receipts import Receipts
from carillon.services.same_day import SameDay
from carillon.services.sending import Sender
from carillon.services.settling import Sent, Settling
from tests.builders import NOW, ORG, REF, client, organization, settings, staff
from tests.doubles import (
    CountingIds,
    ListedMessages,
    MemoryQueues,
    MemorySchedules,
    PlainComposer,
    PlainTokens,
    ScriptedProvider,
    SetClock,
    SetConnections,
    SetOwnSenders,
)
from tests.fake_messages import MemoryChannelStates, MemoryMessages
from tests.fakes import (
    Account,
    MemoryClientDays,
    MemoryDueRows,
    MemoryPostedEvents,
    MemoryReader,
    MemoryRecords,
    MemoryReviewRequests,
)
from tests.faults import Line
from tests.people import MemoryOptings

CALLER = Caller(ORG, "integration", "key-1", "live")


class Rig:
    """Anna and Bob, two members of staff, and everything from a PUT to a receipt.

    `line` stands in front of every call to the outside that the pipeline's functions make.
    """

    def __init__(self, line: Line | None = None, **of_settings: Any) -> None:
        self.account = Account(
            organizations={ORG: organization()},
            settings={ORG: settings(**of_settings)},
            clients={(ORG, name): client(name) for name in ("anna", "bob")},
            staff={(ORG, name): staff(name) for name in ("s1", "s2")},
        )
        self.clock = SetClock(NOW)
        self.queues = MemoryQueues()
        self.schedules = MemorySchedules(self.clock)
        self.connections = SetConnections()
        self.own = SetOwnSenders()
        self.optings = MemoryOptings(self.account)
        self.composer = PlainComposer()
        self.provider = ScriptedProvider()
        self.tokens = PlainTokens()
        self.look_up = ListedMessages()
        self.shared = SharedPause()
        self.review_requests = MemoryReviewRequests()
        self.errors: list[Exception] = []
        self.line = line or Line()
        self._ids = CountingIds()

    def put(self, **changes: Any) -> Put:
        """State appointment 42."""
        basis: dict[str, Any] = {
            "client_id": "anna",
            "start": "2026-12-01T14:30:00",
            "duration_minutes": 45,
            "status": "booked",
        }
        return self.appointments().put(CALLER, "42", AppointmentInput(**(basis | changes)))

    def appointments(self) -> Appointments:
        return Appointments(
            reader=MemoryReader(self.account),
            records=MemoryRecords(self.account),
            clients=cast("ClientKeeping", None),
            clock=self.clock,
        )

    def planner(self) -> Planner:
        return Planner(
            reader=self.line.watch(MemoryReader(self.account)),
            records=self.line.watch(MemoryRecords(self.account)),
            due_rows=self.line.watch(MemoryDueRows(self.account)),
            messages=self.line.watch(MemoryMessages(self.account)),
            queues=self.line.watch(self.queues),
            schedules=self.line.watch(self.schedules),
            connections=self.connections,
            maker=MessageMaker(self._ids),
            clock=self.clock,
        )

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            reader=self.line.watch(MemoryReader(self.account)),
            messages=self.line.watch(MemoryMessages(self.account)),
            queues=self.line.watch(self.queues),
            connections=self.connections,
            maker=MessageMaker(self._ids),
            clock=self.clock,
            same_day=self.same_day(),
            asking=self.asking(),
        )

    def announcer(self) -> Announcer:
        return Announcer(
            reader=self.line.watch(MemoryReader(self.account)),
            posted=self.line.watch(MemoryPostedEvents(self.account)),
            messages=self.line.watch(MemoryMessages(self.account)),
            queues=self.line.watch(self.queues),
            connections=self.connections,
            maker=MessageMaker(self._ids),
            clock=self.clock,
        )

    def post(self, kind: str = "slot.available", **changes: Any) -> EventView:
        """Post an event for Anna and Bob."""
        basis: dict[str, Any] = {"type": kind, "client_ids": ["anna", "bob"]}
        posting = Posting(MemoryReader(self.account), MemoryPostedEvents(self.account), self.clock, self._ids)
        return posting.post(CALLER, EventInput(**(basis | changes)), None)

    def same_day(self) -> SameDay:
        reader, days = MemoryReader(self.account), MemoryClientDays(self.account)
        return SameDay(self.line.watch(reader), self.line.watch(days))

    def asking(self) -> Asking:
        return Asking(self.line.watch(MemoryReader(self.account)), self.line.watch(self.review_requests))

    def fallback(self) -> Fallback:
        return Fallback(
            reader=self.line.watch(MemoryReader(self.account)),
            messages=self.line.watch(MemoryMessages(self.account)),
            queues=self.line.watch(self.queues),
            connections=self.connections,
            maker=MessageMaker(self._ids),
            clock=self.clock,
        )

    def sender(self, channel: Channel = "email") -> Sender:
        reader, messages = self.line.watch(MemoryReader(self.account)), self.line.watch(MemoryMessages(self.account))
        queues, fallback, blocks = self.line.watch(self.queues), self.fallback(), self.blocks()
        outgoing = OutgoingMaker(composer=self.composer, tokens=self.tokens, own=self.line.watch(self.own))
        states = self.line.watch(MemoryChannelStates(self.account))
        pausing = Pausing(states, queues, self.clock, self._ids, self.shared)
        look_up = self.line.watch(self.look_up) if channel == "whatsapp" else None
        closing = Closing(messages, queues, outgoing, fallback, self.clock, look_up)
        return Sender(
            channel=channel,
            reader=reader,
            messages=messages,
            queues=queues,
            connections=self.connections,
            outgoing=outgoing,
            provider=self.line.watch(self.provider),
            fallback=fallback,
            pausing=pausing,
            settling=Settling(
                messages, queues, fallback, pausing, blocks, closing, self.clock, lambda _, e: self.errors.append(e)
            ),
            closing=closing,
            blocks=blocks,
            clock=self.clock,
            ids=self._ids,
            on_error=lambda _, error: self.errors.append(error),
            same_day=self.same_day(),
        )

    def receipts(self) -> Receipts:
        return Receipts(
            messages=self.line.watch(MemoryMessages(self.account)),
            reader=self.line.watch(MemoryReader(self.account)),
            tokens=self.tokens,
            fallback=self.fallback(),
            blocks=self.blocks(),
            clock=self.clock,
        )

    def blocks(self) -> Blocks:
        return Blocks(Opting(self.line.watch(self.optings), self.clock, self._ids))

    def follow(self, *clients: str) -> bool:
        """Let the planner follow appointment 42."""
        return self.planner().follow(ORG, REF, clients)

    def record(self) -> StoredRecord:
        return self.account.records[ORG, REF]

    def fire(self, key: str) -> list[Dispatched]:
        """Move the clock to a client's scheduled reminder, and dispatch it as EventBridge Scheduler and SQS would."""
        return self.fire_name(key)

    def fire_name(self, of: str) -> list[Dispatched]:
        """Do so with the reminder of this name: of the client's, its key."""
        (name,) = [name for name, due in self.schedules.kept.items() if due.name == of]
        due = self.schedules.kept.pop(name)
        self.clock.at = max(self.clock.at, due.fires)
        return self.dispatcher().dispatch([due])

    def take(self, channel: Channel) -> list[Ready]:
        """Take what waits on a channel's queue."""
        taken = [ready for ready in self.queues.ready if ready.channel == channel]
        self.queues.ready = [ready for ready in self.queues.ready if ready.channel != channel]
        return taken

    def deliver(self, channel: Channel = "email") -> list[Sent]:
        """Send what waits on a channel's queue; what is busy or breaks goes back."""
        taken = self.take(channel)
        done = self.sender(channel).send(taken)
        self.queues.ready += [sent.ready for sent in done if sent.result == "busy"]
        return done

    def told(self) -> list[tuple[str | None, str, str, str | None]]:
        """Give (channel, template, status, reason) of every message, in the order of making."""
        return [(m.channel, m.template, m.status, m.reason) for m in self.account.found(ORG)]

    def only(self, status: str | None = None) -> Message:
        """Give the one message there is (in a status)."""
        (found,) = self.account.found(ORG, status)
        return found
