"""Writing to somebody: what is shown, what is stored, and that nothing is lost or doubled wherever it breaks."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from carillon.adapters.phones import NumberPlans
from carillon.domain.clients import ConsentState
from carillon.domain.errors import Conflict, Invalid
from carillon.domain.idempotency import Attempt, RepeatedError
from carillon.domain.messages import Message
from carillon.domain.organizations import Caller
from carillon.domain.reach import Conversation, Reach
from carillon.domain.times import iso
from carillon.ports.quota import Quota
from carillon.services.manual import Manual, ManualPreview
from carillon.services.manual_input import AttachmentInput, ManualInput
from carillon.services.other_addresses import OtherAddresses
from carillon.services.storing import ready_alone
from tests.builders import ALL_SERVICE, NOW, ORG, REF, client, organization
from tests.fakes import MemoryReader, MemoryRecords
from tests.faults import Died, Failed, Line, lines
from tests.manual_desk import MemoryBooks, MemoryFiles, MemoryManualMessages, PlainWriting
from tests.people import MemoryAddressBook
from tests.rig import Rig

EVA = Caller(ORG, "staff", "key-1", "live", "eva")
URL = "https://api.example.com"
PDF = AttachmentInput(filename="a.pdf", content_type="application/pdf", content_base64="JVBERg==")


@dataclass
class Desk:
    """Somebody who writes, over an organization in memory."""

    rig: Rig = field(default_factory=Rig)
    line: Line = field(default_factory=Line)

    def __post_init__(self) -> None:
        self.rig.put(notify=False)
        self.store = MemoryManualMessages(self.rig.account)
        self.files = MemoryFiles()
        self.writing = PlainWriting(approved=frozenset({"reminder"}))
        self.books = MemoryBooks()

    def manual(self) -> Manual:
        reader = self.line.watch(MemoryReader(self.rig.account))
        return Manual(
            reader=reader,
            records=self.line.watch(MemoryRecords(self.rig.account)),
            store=self.line.watch(self.store),
            writing=self.writing,
            files=self.line.watch(self.files),
            quota=cast("Quota", self.books),
            others=OtherAddresses(reader, MemoryAddressBook(self.rig.account)),
            queues=self.line.watch(self.rig.queues),
            connections=self.rig.connections,
            phones=NumberPlans(),
            clock=self.rig.clock,
            ids=self.rig._ids,
        )

    def input(self, channel: str = "email", **fields: Any) -> ManualInput:
        who = {} if "staff_id" in fields else {"client_id": "anna"}
        return ManualInput(channel=channel, **(who | fields))  # type: ignore[arg-type]

    def send(self, channel: str = "email", **fields: Any) -> Message:
        return self.manual().send(EVA, self.input(channel, **fields), URL)

    def preview(self, channel: str = "email", **fields: Any) -> ManualPreview:
        return self.manual().preview(EVA, self.input(channel, **fields), URL)

    def words(self, message: Message) -> str:
        return self.store.words[ORG, message.key].text


def test_a_message_is_stored_with_its_words_and_its_author_and_queued() -> None:
    desk = Desk()
    message = desk.send(text="Hi", subject="Hello", attachments=[PDF])
    assert desk.rig.account.found(ORG) == [message]
    assert (message.origin, message.template, message.status) == ("manual", "manual", "queued")
    assert message.author is not None
    assert message.author.actor == {"key_id": "key-1", "user": "eva"}
    words = desk.store.words[ORG, message.key]
    assert (words.text, words.subject, [file.filename for file in words.files]) == ("Hi", "Hello", ["a.pdf"])
    assert [ready.key for ready in desk.rig.queues.ready] == [message.key]
    desk.rig.deliver()
    assert [outgoing.to for outgoing in desk.rig.provider.sent] == ["anna@example.com"]


def test_a_text_about_an_appointment_is_about_the_clients_next_one_unless_another_is_named() -> None:
    desk = Desk()
    message = desk.send(template="reminder.first")
    assert (message.occasion.record, message.occasion.alone) == (REF, False)
    assert [ready.record for ready in desk.rig.queues.ready] == [REF]
    assert desk.send(text="Hi").occasion.alone
    desk.rig.put(status="cancelled", notify=False)
    assert desk.send(template="reminder.first", record=REF).occasion.record == REF
    for template, pointer in (
        ("reminder.first", "/record"),
        ("order.created", "/record"),
        ("slot.available", "/template"),
        ("recap", "/template"),
        ("review", "/template"),
    ):
        with pytest.raises(Invalid) as refused:
            desk.send(template=template)
        assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_words_sent_back_as_they_were_shown_are_unedited() -> None:
    desk = Desk()
    shown = desk.preview("whatsapp", template="reminder")
    assert (shown.text, shown.editable, shown.blocked) == ("<reminder>", False, None)
    same = desk.send("whatsapp", template="reminder", text=" <reminder>\r\n")
    assert same.author is not None
    assert not same.author.free
    with pytest.raises(Conflict) as refused:
        desk.send("whatsapp", template="reminder", text="Other words")
    assert refused.value.code == "whatsapp_window_closed"


def test_edited_words_keep_what_was_not_edited() -> None:
    desk = Desk()
    message = desk.send(template="reminder.first", text="My words")
    assert desk.words(message) == "My words"
    assert desk.store.words[ORG, message.key].subject == "subject"
    assert message.template == "reminder.first"


def test_in_an_open_window_any_words_go() -> None:
    desk = Desk()
    reach = Reach(replied_at={"whatsapp": iso(NOW)}, conversations={"whatsapp": Conversation(address="+31612345678")})
    desk.rig.account.clients[ORG, "anna"] = client(reach=reach)
    assert desk.preview("whatsapp", text="Hi").editable
    assert desk.send("whatsapp", text="Hi").author is not None


def test_the_same_address_is_no_other_one() -> None:
    desk = Desk()
    for to, another in (("06 1234 5678", False), ("+31699999999", True)):
        message = desk.send("sms", text="Hi", to=to)
        assert message.author is not None
        assert message.author.another == another


def test_a_text_that_can_not_be_filled_is_told_at_the_template() -> None:
    desk = Desk()
    desk.writing.broken = True
    with pytest.raises(Invalid) as refused:
        desk.preview(template="reminder")
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/template", "template_invalid")]


def test_quota_is_the_last_thing_that_is_asked() -> None:
    desk = Desk()
    desk.rig.account.organizations[ORG] = organization(metering={"sms": 1})
    desk.books.left = desk.store.left = 1
    assert desk.preview("sms", text="x" * 160).blocked is None
    assert desk.preview("sms", text="x" * 161).blocked == "quota_exhausted"
    with pytest.raises(Conflict) as refused:
        desk.send("sms", text="x" * 161)
    assert refused.value.code == "quota_exhausted"
    assert desk.send("sms", text="Hi").units == 1
    desk.rig.account.clients[ORG, "anna"] = client(consents=ConsentState())
    assert desk.preview("sms", text="x" * 161).blocked == "consent_missing"
    desk.rig.account.clients[ORG, "anna"] = client(consents=ConsentState(service=ALL_SERVICE))


def answered(line: Line) -> tuple[Desk, int]:
    """Call until there is an answer, as an integrator with an Idempotency-Key does; also says how often."""
    desk, attempt = Desk(), Attempt("key", "same")
    desk.line = line
    for number in range(1, 4):
        # The door looks for an answer first.
        if (ORG, attempt.key) in desk.store.answers:
            return desk, number
        try:
            wanted = desk.input(text="Hi", attachments=[PDF])
            desk.manual().send(EVA, wanted, URL, lambda message: attempt.answered(202, message.id))
        except (Died, Failed):
            continue
        except RepeatedError:
            return desk, number
        return desk, number
    raise AssertionError("there is never an answer")


def test_wherever_it_breaks_one_message_is_stored_and_one_goes_out() -> None:
    whole = Line()
    answered(whole)
    assert whole.calls == ["read", "keep", "accept", "send_ready"]
    for line in lines(len(whole.calls)):
        desk, calls = answered(line)
        assert calls <= 2, line
        (message,) = desk.rig.account.found(ORG)
        # Stored, and whoever stored it died before queueing it: the sweep finds it. Queued twice, it goes once.
        desk.rig.queues.ready.append(ready_alone(ORG, message))
        desk.rig.deliver()
        assert len(desk.rig.provider.sent) == 1, line
        (file,) = desk.store.words[ORG, message.key].files
        assert file.place in desk.files.kept, line
