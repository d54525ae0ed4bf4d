"""An organization's own texts: shown as they are in force, saved over the built-in ones, given up again."""

from collections.abc import Callable

from carillon.domain.codec import Json, to_data
from carillon.domain.errors import Contended, Fault, Invalid, NotFound, PreconditionFailed
from carillon.domain.listing import ListQuery, Page
from carillon.domain.organizations import Caller
from carillon.domain.own_texts import MAX_OWN_TEXTS, Place, all_places, place_of_text
from carillon.domain.templates import OwnText
from carillon.domain.times import iso
from carillon.domain.values import value
from carillon.ports.directory import AuditEntry
from carillon.ports.system import Clock, Ids
from carillon.ports.texts import StoredText, TemplateStore, TemplateView, TextChange, Texts
from carillon.services.enrolment import open_only
from carillon.services.settings import CHANGED
from carillon.services.template_documents import (
    READ_ONLY,
    TemplateDocument,
    TemplateEntry,
    TemplateQuery,
    TemplateVersion,
    blank,
    entry,
    shown,
    version_shown,
)
from carillon.services.text_checks import TEXT_FIELDS, faults_of, require_sound
from carillon.services.texts_in_force import InForce, in_force, nearby

ROUNDS = 4
UNSTATED = ""
"""Stands for a version that the caller did not name: a new own key needs none."""


@value
class SavedTemplate:
    """A text as saved; `created`: its own key had none here."""

    document: TemplateDocument
    version: str
    created: bool


class TemplateKeeping:
    """Use cases on texts; each raises Forbidden while notifications are inactive."""

    def __init__(self, store: TemplateStore, texts: Texts, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._texts = texts
        self._clock = clock
        self._ids = ids

    def read(self, org_id: str, place: Place) -> tuple[TemplateDocument, str]:
        """Give the text in force and the version to save over; NotFound for an own key without a text."""
        view = self._open(org_id, place)
        found, stored = self._in_force(org_id, place, view), view.texts.get(place)
        if found is None:
            raise _nothing_at(place)
        return shown(place, found, stored), _version(stored)

    def save(
        self, caller: Caller, place: Place, read: Callable[[Json], TemplateDocument], version: str | None
    ) -> SavedTemplate:
        """Save a text over `version` (None: any); `read` makes the document from the fields as they are now.

        Raises Invalid (`template_invalid`, `too_many`), PreconditionFailed.
        """
        for _ in range(ROUNDS):
            view = self._open(caller.org_id, place)
            stored = view.texts.get(place)
            exists = not place.own_key or (stored is not None and stored.text is not None)
            _require_version(stored, version, exists=exists)
            found = self._in_force(caller.org_id, place, view) if exists else None
            base = to_data(shown(place, found, stored)) if found is not None else blank(place, stored)
            text = self._checked(place, base, read(base))
            written = self._write(caller, place, stored, text)
            if written is not None:
                document = shown(place, InForce(text, place, place.locale), written)
                return SavedTemplate(document, _version(written), created=not exists)
        raise Contended("the template is being changed by others")

    def remove(self, caller: Caller, place: Place, version: str | None) -> None:
        """Give an own text up (`version` None: any); its versions are kept.

        Where there is none nothing happens, but for an own key: NotFound.
        """
        for _ in range(ROUNDS):
            stored = self._open(caller.org_id, place).texts.get(place)
            if stored is None or stored.text is None:
                if place.own_key:
                    raise _nothing_at(place)
                return
            _require_version(stored, version, exists=True)
            if self._write(caller, place, stored, None) is not None:
                return
        raise Contended("the template is being changed by others")

    def versions(self, org_id: str, place: Place, query: ListQuery, position: str | None) -> Page[TemplateVersion]:
        """List the versions of a text, newest first."""
        self._open(org_id)
        page = self._store.versions(org_id, place, query.limit, position)
        return Page([version_shown(each) for each in page.items], page.position)

    def page(self, org_id: str, query: TemplateQuery, position: str | None) -> Page[TemplateEntry]:
        """List all texts by address."""
        view = self._open(org_id, listed=True)
        after = place_of_text(position) if position is not None else None
        wanted = [place for place in all_places(view.own) if query.wants(place) and (after is None or place > after)]
        items = [entry(place, view.own) for place in wanted[: query.limit]]
        return Page(items, str(wanted[query.limit - 1]) if len(wanted) > query.limit else None)

    def faults(self, place: Place, data: Json) -> list[Fault]:
        """Find what is wrong with the texts of a document that may be wrong elsewhere too."""
        return faults_of(self._texts, place, data)

    def _open(self, org_id: str, place: Place | None = None, *, listed: bool = False) -> TemplateView:
        view = self._store.read(org_id, nearby(place) if place is not None else [], listed=listed)
        open_only(view.organization)
        return view

    def _in_force(self, org_id: str, place: Place, view: TemplateView) -> InForce | None:
        return in_force(org_id, place, view, store=self._store, built_in=self._texts)

    def _checked(self, place: Place, base: Json, given: TemplateDocument) -> OwnText:
        data = to_data(given)
        fixed = [name for name in READ_ONLY if data[name] != base.get(name)]
        if fixed:
            raise Invalid([Fault(f"/{name}", "read_only", "can't be changed") for name in fixed])
        text = OwnText(**{name: getattr(given, name) for name in TEXT_FIELDS})
        require_sound(self._texts, place, text)
        return text

    def _write(
        self, caller: Caller, place: Place, before: StoredText | None, text: OwnText | None
    ) -> StoredText | None:
        """Write a new version; None when another writer came first."""
        now, version = self._clock.now(), (before.version if before is not None else 0) + 1
        what = f"templates/{'/'.join(place.parts())}"
        audit = AuditEntry(self._ids.ulid(now), now, caller.actor, what, version, text)
        result = self._store.save(caller.org_id, TextChange(place, before, text, audit))
        if result == "full":
            raise Invalid([Fault("", "too_many", f"there may be at most {MAX_OWN_TEXTS} own texts")], code="too_many")
        return StoredText(version, text, iso(now)) if result == "saved" else None


def _version(stored: StoredText | None) -> str:
    return str(stored.version if stored is not None else 0)


def _require_version(stored: StoredText | None, version: str | None, *, exists: bool) -> None:
    """Hold what the caller read against what is there; a text that does not exist yet needs no version."""
    if version is None or (version == UNSTATED and not exists):
        return
    if version == UNSTATED:
        raise PreconditionFailed("if_match_required", "send If-Match with the ETag that GET answered, or *")
    if version != _version(stored):
        raise PreconditionFailed("version_conflict", CHANGED)


def _nothing_at(place: Place) -> NotFound:
    return NotFound(f"there is no text {place.key} for {place.audience} on {place.channel} in {place.locale}")
