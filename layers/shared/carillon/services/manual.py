"""Manual messages: somebody writes to a client or a member of staff, and sees beforehand what will be read.

What was shown is what goes: the words are stored with the message. From there it takes the way of every other message,
and is checked again just before it goes. Files are kept first, then message, words and answer are stored at once, then
the message is queued; whoever dies in between leaves files that nobody refers to, or a message that the sweep queues.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Staff
from carillon.domain.constraints import document
from carillon.domain.decisions import Account
from carillon.domain.errors import Code, Conflict, Fault, Forbidden, Invalid
from carillon.domain.manual import (
    MAX_STORED,
    OWN_WORDS,
    Elsewhere,
    Written,
    audience_for,
    collection_of,
    manual_message,
    obstacle_to,
    written_recipient,
)
from carillon.domain.messages import Author, Message
from carillon.domain.organizations import Caller, Organization
from carillon.domain.quota import Exhausted, bucket_of, is_metered
from carillon.domain.recipients import Recipient
from carillon.domain.record_documents import LIVE
from carillon.domain.settings import Settings
from carillon.domain.sms import measure
from carillon.domain.values import value
from carillon.ports.delivery import Connections, RenderingFailed
from carillon.ports.directory import Phones
from carillon.ports.manual import Draft, Files, ManualStore, Remember, Writing
from carillon.ports.queues import Queues
from carillon.ports.quota import Quota
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.records import Records
from carillon.ports.system import Clock, Ids
from carillon.services.activation import require_active
from carillon.services.facts import account_of
from carillon.services.manual_input import (
    Asked,
    ManualInput,
    SmsCount,
    address_of,
    asked,
    asked_of,
    contents_of,
    faults_in,
    person_of,
    refuse,
)
from carillon.services.other_addresses import OtherAddresses
from carillon.services.storing import ready_alone, ready_of

NEXT = 20
"""Among how many records ahead a client's next appointment is looked for."""
WHY: Mapping[Code, str] = {
    "channel_not_connected": "the organization has no sender for this channel",
    "consent_missing": "the client has not agreed to messages on this channel",
    "opted_out": "somebody at this address opted out of this channel, or complained",
    "no_address": "the person has no stored address on this channel, or the address takes no messages",
    "quota_exhausted": "too few units are left for this message",
    "whatsapp_window_closed": "outside the 24 hours after the person wrote, only an approved template goes, unedited",
}


@document
class ManualPreview:
    """A message as it would be read. `editable`: another text may be sent in its place.

    `blocked`: the code with which sending it would be refused now. `sms` on that channel only.
    """

    text: str
    subject: str | None
    sms: SmsCount | None
    editable: bool
    blocked: Code | None


@value
class Ready:
    """A message that is ready to be shown or sent."""

    message: Message
    draft: Draft
    snapshot: Snapshot
    settings: Settings
    blocked: Code | None
    editable: bool


@value
class Manual:
    """Shows and sends manual messages."""

    reader: Reader
    records: Records
    store: ManualStore
    writing: Writing
    files: Files
    quota: Quota
    others: OtherAddresses
    queues: Queues
    connections: Connections
    phones: Phones
    clock: Clock
    ids: Ids

    def faults(self, org_id: str, given: Mapping[str, Any]) -> list[Fault]:
        """Find what is wrong between the parts of an input that has faults of its own, so that all are told at once."""
        wanted = self._about(org_id, asked(given))
        snapshot = self._read(org_id, wanted)
        require_active(snapshot)
        return faults_in(wanted, snapshot, self.phones)

    def preview(self, caller: Caller, wanted: ManualInput, public_url: str) -> ManualPreview:
        """Show what would go out; raises Invalid, Forbidden while inactive."""
        made = self._make(caller, wanted, public_url)
        written, blocked = made.draft.written, made.blocked
        bucket = bucket_of(wanted.channel)
        if blocked is None and made.message.units and bucket is not None:
            left = self.quota.books(caller.org_id, bucket).left
            blocked = "quota_exhausted" if left < made.message.units else None
        count = measure(written.text) if wanted.channel == "sms" else None
        sms = SmsCount(encoding=count.encoding, parts=count.parts, characters=count.characters) if count else None
        return ManualPreview(
            text=written.text, subject=written.subject, sms=sms, editable=made.editable, blocked=blocked
        )

    def send(self, caller: Caller, wanted: ManualInput, public_url: str, remember: Remember | None = None) -> Message:
        """Store and queue a message; raises Invalid (422), Refused (413), Conflict (409), Forbidden while inactive.

        `remember` makes the answer that a repeated call gets; raises RepeatedError when it has one already.
        """
        made = self._make(caller, wanted, public_url)
        files = contents_of(wanted)
        message, org_id = made.message, caller.org_id
        if made.blocked is not None:
            raise Conflict(made.blocked, WHY[made.blocked])
        written = made.draft.written
        if files:
            written = replace(written, files=self.files.keep(org_id, message.id, files))
        answer = remember(message) if remember is not None else None
        try:
            self.store.accept(org_id, message, written, answer, settings=made.settings)
        except Exhausted as error:
            raise Conflict("quota_exhausted", WHY["quota_exhausted"]) from error
        record = made.snapshot.record
        ready = ready_of(org_id, message, record) if record is not None else ready_alone(org_id, message)
        self.queues.send_ready([ready])
        return message

    def _about(self, org_id: str, wanted: Asked) -> Asked:
        """Take the client's next appointment where a text is about one and none is named."""
        lacks = wanted.record is None and collection_of(wanted.template) == "appointments"
        if not lacks or wanted.client_id is None:
            return wanted
        ahead = self.records.of_client(org_id, wanted.client_id, since=self.clock.now(), limit=NEXT)
        live = (each for each in ahead if each.collection == "appointments" and each.appointment.status in LIVE)
        found = next(live, None)
        return replace(wanted, record=found.ref) if found is not None else wanted

    def _read(self, org_id: str, wanted: Asked) -> Snapshot:
        """Read everything, and once more where the record names people."""
        clients = (wanted.client_id,) if wanted.client_id else ()
        staff = (wanted.staff_id,) if wanted.staff_id else ()
        want = Want(org_id, record=wanted.record or None, clients=clients, staff=staff, texts=True)
        snapshot = self.reader.read([want])[0]
        record = snapshot.record
        if record is None or record.deleted:
            return snapshot
        there = (*filter(None, [record.client_id]), *clients), (*record.staff_ids, *staff)
        wider = replace(want, clients=tuple(dict.fromkeys(there[0])), staff=tuple(dict.fromkeys(there[1])))
        return self.reader.read([wider])[0] if wider != want else snapshot

    def _make(self, caller: Caller, wanted: ManualInput, public_url: str) -> Ready:
        parts = self._about(caller.org_id, asked_of(wanted))
        snapshot = self._read(caller.org_id, parts)
        require_active(snapshot)
        faults = faults_in(parts, snapshot, self.phones)
        if faults:
            raise refuse(faults)
        account, person = account_of(snapshot, self.connections, now=self.clock.now()), person_of(parts, snapshot)
        audience = audience_for(wanted.template, person if isinstance(person, Staff) else None)
        if account is None or person is None or audience is None:
            raise Forbidden("notifications_inactive", "the organization is gone")
        recipient = written_recipient(person, audience, account.settings)
        elsewhere = self._elsewhere(caller.org_id, wanted, recipient, account, snapshot)
        message = self._message(caller, wanted, recipient, elsewhere, parts.record or "")
        draft = self._draft(message, wanted, snapshot, public_url)
        blocked = self._blocked(message, recipient, account, elsewhere, free=not draft.approved)
        author = replace(message.author, free=not draft.approved) if message.author is not None else None
        units = _units(account.organization, wanted.channel, draft.written)
        # What was approved goes as it is; what was not, or was changed, does not go at all while the window is closed.
        fixed = wanted.channel == "whatsapp" and (draft.approved or blocked == "whatsapp_window_closed")
        return Ready(
            replace(message, author=author, units=units), draft, snapshot, account.settings, blocked, not fixed
        )

    def _elsewhere(
        self, org_id: str, wanted: ManualInput, recipient: Recipient, account: Account, snapshot: Snapshot
    ) -> Elsewhere | None:
        """Look at the other address, if it is another one."""
        if wanted.to is None:
            return None
        address = address_of(wanted.channel, wanted.to, account.settings, self.phones)
        stored = recipient.addresses.get(CHANNELS[wanted.channel].address)
        if stored is not None and stored.casefold() == address.casefold():
            return None
        return Elsewhere(address, self.others.look(org_id, wanted.channel, address, snapshot))

    def _message(
        self, caller: Caller, wanted: ManualInput, recipient: Recipient, elsewhere: Elsewhere | None, record: str
    ) -> Message:
        now = self.clock.now()
        stored = recipient.addresses.get(CHANNELS[wanted.channel].address)
        return manual_message(
            caller.org_id,
            self.ids.ulid(now),
            recipient,
            wanted.channel,
            to=elsewhere.address if elsewhere is not None else stored or "",
            record=record,
            template=wanted.template or OWN_WORDS,
            author=Author(caller.key_id, caller.user, another=elsewhere is not None),
            now=now,
        )

    def _draft(self, message: Message, wanted: ManualInput, snapshot: Snapshot, public_url: str) -> Draft:
        """Write it out: the template's words, or those that were typed."""
        filled = None
        try:
            if wanted.template is not None:
                filled = self.writing.from_template(message, snapshot, public_url=public_url)
            if filled is not None and not _edited(wanted, filled.written):
                return _fitting(filled)
            subject = wanted.subject or (filled.written.subject if filled is not None else None)
            text = wanted.text if wanted.text is not None else filled.written.text if filled is not None else ""
            typed = self.writing.in_own_words(message, snapshot, text, subject, public_url=public_url)
        except RenderingFailed as error:
            fault = Fault("/template", "template_invalid", f"can't be rendered: {error}")
            raise Invalid([fault], code="template_invalid") from error
        return _fitting(typed)

    def _blocked(
        self, message: Message, recipient: Recipient, account: Account, elsewhere: Elsewhere | None, *, free: bool
    ) -> Code | None:
        channel: Channel | None = message.channel
        if channel is None:
            return None
        blocked = obstacle_to(recipient, channel, message.template, account, elsewhere, free=free)
        if blocked == "notifications_inactive":
            raise Forbidden(blocked, "the organization is suspended")
        return blocked


def _units(organization: Organization, channel: Channel, written: Written) -> int:
    """Count what it takes of the quota: its words are known to the letter."""
    if not is_metered(organization, channel):
        return 0
    return measure(written.text).parts if channel == "sms" else 1


def _edited(wanted: ManualInput, shown: Written) -> bool:
    """Whether words differ from what the preview shows; those sent back as they were shown are unedited."""
    text = wanted.text is not None and _bare(wanted.text) != _bare(shown.text)
    return text or (wanted.subject is not None and _bare(wanted.subject) != _bare(shown.subject or ""))


def _bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def _fitting(draft: Draft) -> Draft:
    if draft.written.size > MAX_STORED:
        raise Invalid([Fault("/text", "invalid_value", f"makes a message of more than {MAX_STORED} bytes")])
    return draft
