"""The settings document: read as it is, saved whole or not at all, with its audit entry in the same write."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import field, fields, replace
from typing import Literal

from carillon.domain.codec import Json, from_data, to_data
from carillon.domain.constraints import document, json_name
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, InvalidValue, NotFound, PreconditionFailed
from carillon.domain.mail_from import own_address
from carillon.domain.organizations import Caller, Organization
from carillon.domain.settings import QuietHours, Reminder, Settings
from carillon.domain.timing import is_set_into
from carillon.ports.directory import AuditEntry, Organizations, Phones, SettingsStore, Stored
from carillon.ports.system import Clock, Ids

PHONES = (("contact", "phone"), ("manager", "mobile"), ("owner", "mobile"))
"""Where phone numbers stand in the document."""
ROUNDS = 8
CHANGED = "the document has changed since it was read; read it again"


@document
class SaveWarning:
    """Something that is allowed and may not be meant."""

    pointer: str
    code: Literal["in_quiet_hours", "sender_not_verified"]
    message: str


@document
class SavedSettings(Settings):
    """Settings as saved; `warnings` come in the answer of a PUT only."""

    warnings: list[SaveWarning] = field(default_factory=list)


class SettingsKeeping:
    """Use cases on the settings document."""

    def __init__(
        self, store: SettingsStore, organizations: Organizations, phones: Phones, clock: Clock, ids: Ids
    ) -> None:
        self._store = store
        self._organizations = organizations
        self._phones = phones
        self._clock = clock
        self._ids = ids

    def read(self, org_id: str) -> tuple[Settings, str]:
        """Give the settings and their version."""
        stored = self._load(org_id)
        return stored.document, str(stored.version)

    def faults(self, data: Json) -> list[Fault]:
        """Find phone numbers that are none, in a document that may be wrong elsewhere too."""
        country = data.get("country")
        return [fault for _, fault in self._numbers(data, country if isinstance(country, str) else "") if fault]

    def save(
        self, caller: Caller, given: Collection[str], read: Callable[[Json], Settings], version: str | None
    ) -> tuple[SavedSettings, str]:
        """Save the document over `version` (None: any); `read` makes it from the fields as they are now.

        A document that gives every field over a version that it names needs no reading: one call. Raises Invalid,
        Conflict (`channel_not_connected`), PreconditionFailed (`version_conflict`).
        """
        complete = {json_name(each.name) for each in fields(Settings)} <= set(given)
        for _ in range(ROUNDS):
            stored = None if complete and version is not None else self._load(caller.org_id)
            settings = self._checked(read(to_data(stored.document) if stored else {}))
            expected = version_of(version) if version is not None else stored.version if stored else 0
            holds = self._with_own_sender(caller.org_id) if settings.message_mode.mode == "own" else None
            now = self._clock.now()
            entry = AuditEntry(self._ids.ulid(now), now, caller.actor, "settings", expected + 1, settings)
            if self._store.save(caller.org_id, Stored(settings, expected), entry, holds=holds):
                saved = from_data(SavedSettings, to_data(settings))
                warnings = quiet_warnings(settings.reminders, settings.quiet_hours)
                warnings += self._sender_warnings(caller.org_id, settings)
                return replace(saved, warnings=warnings), str(expected + 1)
            if version is not None and (holds is None or not self._is_at(caller.org_id, expected)):
                raise PreconditionFailed("version_conflict", CHANGED)
        raise Contended("the settings are being changed by others")

    def _checked(self, settings: Settings) -> Settings:
        """Check what the form alone doesn't show, and write phone numbers as E.164."""
        data = to_data(settings)
        numbers = self._numbers(data, settings.country)
        problems = [fault for _, fault in numbers if fault] + _unlikely(settings)
        if problems:
            raise Invalid(problems)
        for ((section, name), number), _ in numbers:
            data[section][name] = number
        return from_data(Settings, data)

    def _with_own_sender(self, org_id: str) -> Stored[Organization]:
        """Give the organization, which the save holds: its sender may be given up at this moment."""
        found = self._organizations.load(org_id)
        state = found[0].document.channels.get("whatsapp") if found else None
        # One that went out of order keeps nobody from saving the rest of the settings.
        if state is None or (state.status == "pending" and self._load(org_id).document.message_mode.mode != "own"):
            raise Conflict("channel_not_connected", "connect the organization's own WhatsApp sender first")
        return found[0]

    def _sender_warnings(self, org_id: str, settings: Settings) -> list[SaveWarning]:
        """Point at a sender of e-mail that can't be used yet; a call more, for who chose one."""
        if settings.email_sender.from_ == "no_reply":
            return []
        found = self._organizations.load(org_id)
        if found and own_address(found[0].document) is not None:
            return []
        message = "no address of the organization's own is verified; until PUT /v1/channels/email has one, mail comes "
        message += "from the deployment's address, in the organization's name"
        return [SaveWarning(pointer="/email_sender/from", code="sender_not_verified", message=message)]

    def _is_at(self, org_id: str, version: int) -> bool:
        """Whether the stored settings are still this version: then it was the organization that changed meanwhile."""
        stored = self._store.load(org_id)
        return stored is not None and stored.version == version

    def _load(self, org_id: str) -> Stored[Settings]:
        stored = self._store.load(org_id)
        if stored is None:
            raise NotFound("there is no such organization")
        return stored

    def _numbers(self, data: Json, country: str) -> list[tuple[tuple[tuple[str, str], str | None], Fault | None]]:
        """Normalise every number of the document: its place, the number, or what is wrong with it."""
        found: list[tuple[tuple[tuple[str, str], str | None], Fault | None]] = []
        for section, name, text in _texts(data):
            try:
                found.append((((section, name), self._phones.normalise(text, country)), None))
            except InvalidValue as error:
                found.append((((section, name), None), Fault(f"/{section}/{name}", error.code, str(error))))
        return found


def version_of(text: str) -> int:
    """Read an ETag as a version; raises PreconditionFailed for one that was never answered."""
    if not (text.isascii() and text.isdigit()) or len(text) > 15:  # noqa: PLR2004 - more than there ever are
        raise PreconditionFailed("version_conflict", CHANGED)
    return int(text)


def _texts(data: Json) -> Iterator[tuple[str, str, str]]:
    for section, name in PHONES:
        holder = data.get(section)
        if isinstance(holder, dict) and isinstance(text := holder.get(name), str):
            yield section, name, text


def _unlikely(settings: Settings) -> list[Fault]:
    """Find fields that don't go together."""
    found = []
    if settings.message_mode.mode == "own" and settings.message_mode.business_name is None:
        found.append(Fault("/message_mode/business_name", "missing_field", "is required with an own sender"))
    if settings.quiet_hours.enabled and settings.quiet_hours.start == settings.quiet_hours.end:
        found.append(Fault("/quiet_hours/end", "invalid_value", "must differ from start"))
    for name, statuses in (("order_statuses", settings.order_statuses), ("lead_statuses", settings.lead_statuses)):
        seen: set[str] = set()
        for place, status in enumerate(statuses):
            if status.key in seen:
                found.append(Fault(f"/{name}/{place}/key", "duplicate_key", "stands twice"))
            seen.add(status.key)
    return found


def quiet_warnings(reminders: list[Reminder], quiet: QuietHours) -> list[SaveWarning]:
    """Point at reminders whose own wall time lies in the quiet hours; they are sent as set."""
    found = []
    for place, reminder in enumerate(reminders):
        if reminder.enabled and is_set_into(reminder, quiet):
            message = f"{reminder.when.at} lies in the quiet hours; the reminder is sent then all the same"
            found.append(SaveWarning(pointer=f"/reminders/{place}/when/at", code="in_quiet_hours", message=message))
    return found
