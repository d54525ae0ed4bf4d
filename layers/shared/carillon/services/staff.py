"""Members of the business: who is told of what happens there."""

from collections.abc import Callable
from dataclasses import field, fields, replace
from typing import Annotated

from carillon.domain.clients import Staff, StaffRole
from carillon.domain.codec import Json, to_data
from carillon.domain.constraints import Check, Email, Id, Items, Locale, Name, PhoneInput, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, InvalidValue, NotFound
from carillon.domain.idempotency import Attempt
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller
from carillon.domain.reach import Reach, Refused
from carillon.domain.suppressions import email_changes, reach_at
from carillon.ports.directory import Phones, SettingsStore, StaffStore, Stored
from carillon.ports.suppressions import Suppressions
from carillon.ports.system import Clock, Ids

ROUNDS = 8


def _distinct(roles: list[str]) -> None:
    if len(set(roles)) != len(roles):
        raise InvalidValue("must not name a role twice", "duplicate_key")


@document
class StaffInput:
    """A member as an integrator states it; `mobile` may be national for the organization's country."""

    id: Id | None = None
    name: Name
    email: Email | None = None
    mobile: PhoneInput | None = None
    roles: Annotated[list[StaffRole], Items(max=3), Check(_distinct)] = field(default_factory=lambda: ["collaborator"])
    locale: Locale | None = None
    active: bool = True


@document
class StaffDocument:
    """A member as answers show it; `mobile` is E.164."""

    id: Id
    name: Name
    email: Email | None
    mobile: PhoneInput | None
    roles: list[StaffRole]
    locale: Locale | None
    active: bool


class StaffKeeping:
    """Use cases on staff."""

    def __init__(
        self,
        staff: StaffStore,
        settings: SettingsStore,
        suppressions: Suppressions,
        phones: Phones,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._staff = staff
        self._settings = settings
        self._suppressions = suppressions
        self._phones = phones
        self._clock = clock
        self._ids = ids

    def create(self, caller: Caller, stated: StaffInput, attempt: Attempt | None) -> StaffDocument:
        """Make a member; raises Invalid, or Conflict for an id that is in use."""
        now = self._clock.now()
        staff = self._member(caller.org_id, stated.id or self._ids.ulid(now), stated, None)
        document = _shown(staff)
        remember = attempt.answered(201, document) if attempt else None
        if not self._staff.save(caller.org_id, Stored(staff, 0), now, remember):
            raise Conflict("duplicate_key", f"staff member {staff.id!r} exists; PUT replaces it")
        return document

    def put(self, caller: Caller, staff_id: str, stated: StaffInput) -> tuple[StaffDocument, bool]:
        """Make or replace a member; also tells whether it is new."""
        return self._put(caller, staff_id, lambda _: stated)

    def patch(self, caller: Caller, staff_id: str, read: Callable[[Json], StaffInput]) -> StaffDocument:
        """Change fields of a member; `read` makes the input from the fields as they are now."""

        def stated(staff: Staff | None) -> StaffInput:
            if staff is None:
                raise NotFound(f"there is no staff member {staff_id!r}")
            return read({each.name: to_data(getattr(staff, each.name)) for each in fields(StaffInput)})

        return self._put(caller, staff_id, stated)[0]

    def _put(
        self, caller: Caller, staff_id: str, read: Callable[[Staff | None], StaffInput]
    ) -> tuple[StaffDocument, bool]:
        for _ in range(ROUNDS):
            stored = self._staff.load(caller.org_id, staff_id)
            before = stored.document if stored else None
            stated = read(before)
            if stated.id is not None and stated.id != staff_id:
                raise Invalid([Fault("/id", "invalid_value", f"must equal the path's id, {staff_id!r}")])
            staff = self._member(caller.org_id, staff_id, stated, before)
            if staff == before:
                return _shown(staff), False
            if self._staff.save(caller.org_id, Stored(staff, stored.version if stored else 0), self._clock.now()):
                return _shown(staff), stored is None
        raise Contended(f"staff member {staff_id} is being changed by others")

    def get(self, org_id: str, staff_id: str) -> StaffDocument:
        """Show a member."""
        stored = self._staff.load(org_id, staff_id)
        if stored is None:
            raise NotFound(f"there is no staff member {staff_id!r}")
        return _shown(stored.document)

    def faults(self, org_id: str, data: Json) -> list[Fault]:
        """Find a mobile number that is none, in a member that may be wrong elsewhere too."""
        text = data.get("mobile")
        try:
            self._number(org_id, text if isinstance(text, str) else None)
        except Invalid as error:
            return list(error.faults)
        return []

    def remove(self, org_id: str, staff_id: str) -> None:
        """Remove a member; what it was told stays in the messages."""
        if not self._staff.delete(org_id, staff_id):
            raise NotFound(f"there is no staff member {staff_id!r}")

    def page(self, org_id: str, limit: int, position: str | None) -> Page[StaffDocument]:
        """List members by id."""
        page = self._staff.page(org_id, limit, position)
        return Page([_shown(staff) for staff in page.items], page.position)

    def _member(self, org_id: str, staff_id: str, stated: StaffInput, before: Staff | None) -> Staff:
        return replace(
            before or Staff(id=staff_id, name=stated.name),
            name=stated.name,
            email=stated.email,
            mobile=self._number(org_id, stated.mobile),
            roles=stated.roles,
            locale=stated.locale,
            active=stated.active,
            reach=self._reach(org_id, stated.email, before),
        )

    def _reach(self, org_id: str, email: str | None, before: Staff | None) -> Reach:
        """Mark an address that has come to be the member's as what holds against it says: a call more, then only."""
        reach = before.reach if before is not None else Reach()
        if not email_changes(before, email):
            return reach
        reason = self._suppressions.find(org_id, "email", email) if email else None
        refused = Refused(channel="email", reason=reason, address=email) if reason and email else None
        return reach_at(reach, "email", refused)

    def _number(self, org_id: str, text: str | None) -> str | None:
        if text is None:
            return None
        stored = None if text.startswith("+") else self._settings.load(org_id)
        try:
            return self._phones.normalise(text, stored.document.country if stored else "")
        except InvalidValue as error:
            raise Invalid([Fault("/mobile", error.code, str(error))]) from error


def _shown(staff: Staff) -> StaffDocument:
    return StaffDocument(
        id=staff.id,
        name=staff.name,
        email=staff.email,
        mobile=staff.mobile,
        roles=staff.roles,
        locale=staff.locale,
        active=staff.active,
    )
