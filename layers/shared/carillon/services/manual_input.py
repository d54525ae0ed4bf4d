"""What a manual message is asked for with, and everything that may be wrong with that, all at once."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, get_args

from carillon.domain.attachments import MAX_BYTES, MAX_FILES, check_type, content_of, file_name
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.constraints import Check, Email, Id, Items, Text, document
from carillon.domain.errors import Fault, Invalid, InvalidValue, Refused
from carillon.domain.manual import ELSEWHERE, audience_for, collection_of, is_filled_elsewhere
from carillon.domain.settings import Settings
from carillon.domain.sms import Encoding
from carillon.domain.templates import MAX_BODY, MAX_SUBJECT, forbidden_characters
from carillon.domain.values import value
from carillon.ports.delivery import Attachment
from carillon.ports.directory import Phones
from carillon.ports.reading import Snapshot

RECORD = r"(?:appointments|orders|leads|tasks)/[A-Za-z0-9._:\-]{1,64}"
_EMAIL: tuple[Text, Check] = get_args(Email)[1:]
Json = Mapping[str, Any]


def _text(given: str) -> None:
    if not given.strip() or len(given) > MAX_BODY:
        raise InvalidValue(f"must have 1 to {MAX_BODY} characters, and not blanks alone")
    if forbidden_characters("text", given):
        raise InvalidValue("must not contain control characters")


@document
class AttachmentInput:
    """A file to send along. Of a path the last part counts as its name; programs and scripts are refused."""

    filename: Annotated[str, Check(file_name)]
    content_type: Annotated[str, Check(check_type)]
    content_base64: Annotated[str, Check(content_of)]


@document
class ManualInput:
    """A message to one person.

    Of `template` and `text` at least one: a template alone goes out filled as the preview shows it, a text goes out as
    it stands. `to`: another address than the stored one (e-mail, SMS and WhatsApp). `record`: what it is about; a text
    about an appointment is about the client's next one where none is named.
    """

    channel: Channel
    client_id: Id | None = None
    staff_id: Id | None = None
    to: Annotated[str, Text(max=254, min=2)] | None = None
    record: Annotated[str, Text(max=80, min=1, pattern=RECORD)] | None = None
    template: Annotated[str, Text(max=64, min=1)] | None = None
    subject: Annotated[str, Text(max=MAX_SUBJECT, min=1)] | None = None
    text: Annotated[str, Check(_text)] | None = None
    attachments: Annotated[list[AttachmentInput], Items(max=MAX_FILES)] = field(default_factory=list)


@document
class SmsCount:
    """What an SMS takes."""

    encoding: Encoding
    parts: int
    characters: int


@value
class Asked:
    """The parts of an input that hang together, as far as each is what it should be."""

    channel: Channel | None = None
    client_id: str | None = None
    staff_id: str | None = None
    to: str | None = None
    record: str | None = None
    template: str | None = None
    subject: str | None = None
    text: str | None = None
    files: int = 0


def asked(given: Json) -> Asked:
    """Read an input that may have faults of its own; what has none yet is looked at with the others."""
    found = {name: given[name] for name in _STRINGS if isinstance(given.get(name), str)}
    if found.get("channel") not in CHANNELS:
        found.pop("channel", None)
    files = given.get("attachments")
    return Asked(**found, files=len(files) if isinstance(files, list) else 0)


def asked_of(wanted: ManualInput) -> Asked:
    """Take the parts of an input that is sound in itself."""
    return Asked(**{name: getattr(wanted, name) for name in _STRINGS}, files=len(wanted.attachments))


_STRINGS = ("channel", "client_id", "staff_id", "to", "record", "template", "subject", "text")


def faults_in(wanted: Asked, snapshot: Snapshot, phones: Phones) -> list[Fault]:
    """Find everything that is wrong between the parts, and with what they refer to."""
    settings = snapshot.settings
    found = [*_of_words(wanted), *_of_person(wanted, snapshot), *_of_template(wanted, snapshot)]
    found += _of_record(wanted, snapshot)
    if wanted.to is not None and wanted.channel is not None and settings is not None:
        try:
            address_of(wanted.channel, wanted.to, settings, phones)
        except InvalidValue as error:
            found.append(Fault("/to", error.code, str(error)))
    return found


def refuse(faults: list[Fault]) -> Invalid:
    """Make the refusal; a template where the channel takes none has a code of its own."""
    alone = all(fault.code == "template_not_supported" for fault in faults)
    return Invalid(faults, code="template_not_supported" if alone else "invalid_input")


def address_of(channel: Channel, to: str, settings: Settings, phones: Phones) -> str:
    """Write an address as it is stored; raises InvalidValue for one that the channel can't have."""
    if channel not in ELSEWHERE:
        raise InvalidValue(f"can't be given for {channel}: people are known there by their own link alone")
    if CHANNELS[channel].address == "phone":
        return phones.normalise(to, settings.country)
    shape, form = _EMAIL
    form.function(shape.check(to))
    return to


def person_of(wanted: Asked, snapshot: Snapshot) -> Client | Staff | None:
    """Find who is written to; None for nobody, or somebody who is gone."""
    client, member = snapshot.clients.get(wanted.client_id or ""), snapshot.staff.get(wanted.staff_id or "")
    if wanted.client_id is not None:
        return client if client is not None and not client.removed else None
    return member if member is not None and member.active else None


def _of_words(wanted: Asked) -> list[Fault]:
    found = []
    facts = CHANNELS[wanted.channel] if wanted.channel is not None else None
    if wanted.text is None and wanted.template is None:
        found.append(Fault("/text", "missing_field", "give a text, or a template"))
    if facts is None:
        return found
    if wanted.template is not None and not facts.manual_templates:
        found.append(Fault("/template", "template_not_supported", f"{wanted.channel} takes no template"))
    if wanted.subject is not None and not facts.subject:
        found.append(Fault("/subject", "invalid_value", f"{wanted.channel} has no subject"))
    if wanted.text is not None and len(wanted.text) > facts.max_length:
        found.append(Fault("/text", "invalid_value", f"{wanted.channel} takes {facts.max_length} characters at most"))
    if wanted.files and not facts.attachments:
        found.append(Fault("/attachments", "invalid_value", f"{wanted.channel} takes no attachments"))
    return found


def _of_person(wanted: Asked, snapshot: Snapshot) -> list[Fault]:
    if wanted.client_id is None and wanted.staff_id is None:
        return [Fault("/client_id", "missing_field", "name a client, or a member of staff in `staff_id`")]
    if wanted.client_id is not None and wanted.staff_id is not None:
        return [Fault("/staff_id", "invalid_value", "give `client_id` or `staff_id`, not both")]
    if person_of(wanted, snapshot) is not None:
        return []
    if wanted.client_id is not None:
        return [Fault("/client_id", "unknown_reference", "there is no such client")]
    return [Fault("/staff_id", "unknown_reference", "there is no such active member of staff")]


def _of_template(wanted: Asked, snapshot: Snapshot) -> list[Fault]:
    facts = CHANNELS[wanted.channel] if wanted.channel is not None else None
    if wanted.template is None or (facts is not None and not facts.manual_templates):
        return []
    person = person_of(wanted, snapshot)
    if wanted.client_id is None and person is None:
        return []
    if audience_for(wanted.template, person if isinstance(person, Staff) else None) is None:
        return [Fault("/template", "unknown_reference", "there is no such template for this person")]
    if wanted.template == "review" and snapshot.settings is not None and snapshot.settings.review.url is None:
        return [Fault("/template", "invalid_value", "asks for a review, and the settings have no review.url")]
    if is_filled_elsewhere(wanted.template):
        return [Fault("/template", "invalid_value", "is filled by its own occasion alone, so write its text")]
    return []


def _of_record(wanted: Asked, snapshot: Snapshot) -> list[Fault]:
    record, person = snapshot.record, person_of(wanted, snapshot)
    takes_template = wanted.channel is None or CHANNELS[wanted.channel].manual_templates
    needed = collection_of(wanted.template) if takes_template else None
    if wanted.record is None:
        about = f"{wanted.template} is about one of {needed}, so name it"
        return [Fault("/record", "missing_field", about)] if needed is not None and person is not None else []
    if needed is not None and not wanted.record.startswith(f"{needed}/"):
        return [Fault("/record", "invalid_value", f"{wanted.template} is about one of {needed}")]
    if record is None or record.deleted:
        return [Fault("/record", "unknown_reference", "there is no such record")]
    theirs = {record.client_id, *record.former}
    if isinstance(person, Client) and theirs.isdisjoint({person.id, *person.merged}):
        # Its text would tell one client of another's.
        return [Fault("/record", "unknown_reference", "is not this client's")]
    return []


def contents_of(wanted: ManualInput) -> list[Attachment]:
    """Decode the files; raises Refused (413) when they are too large together."""
    files = [
        Attachment(file_name(each.filename), each.content_type, content_of(each.content_base64))
        for each in wanted.attachments
    ]
    if sum(len(file.content) for file in files) > MAX_BYTES:
        raise TooLarge("attachments_too_large", f"attachments have at most {MAX_BYTES} bytes together")
    return files


class TooLarge(Refused):
    """Attachments beyond what is taken."""

    status = 413
