"""Texts as the API shows them."""

from typing import Annotated, Literal

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.codec import Json, to_data
from carillon.domain.constraints import Id, Text, document
from carillon.domain.listing import ListQuery
from carillon.domain.own_texts import OwnTexts, Place
from carillon.domain.templates import OwnText
from carillon.ports.texts import StoredText, TextVersion
from carillon.services.texts_in_force import InForce

Origin = Literal["own", "builtin"]
READ_ONLY = ("key", "audience", "channel", "locale", "origin", "version", "updated_at", "inherited_from")


@document
class Inherited:
    """The address of the own text that is used at another one."""

    key: Id
    locale: Id


@document
class TemplateEntry:
    """Where a text stands and whose it is; `version` counts the changes made here, 0: none ever."""

    key: Id
    audience: Audience
    channel: Channel
    locale: Id
    origin: Origin
    version: int


@document
class TemplateDocument(OwnText):
    """The text in force at an address. All but the texts themselves is read-only.

    `inherited_from`: the own text of the general key, or of another locale, that is in force here.
    """

    __omit_none__ = False

    key: Id
    audience: Audience
    channel: Channel
    locale: Id
    origin: Origin
    version: int
    updated_at: str | None = None
    inherited_from: Inherited | None = None


@document
class TemplateQuery(ListQuery):
    """Which texts to list."""

    key: Id | None = None
    audience: Audience | None = None
    channel: Channel | None = None
    locale: Annotated[str, Text(max=35, min=2)] | None = None

    def wants(self, place: Place) -> bool:
        """Whether an address is asked for."""
        asked = (self.key, self.audience, self.channel, self.locale)
        return all(want in (None, part) for want, part in zip(asked, place.parts(), strict=True))


@document
class TemplateVersion:
    """One version of an own text; `text` is null where it was given up."""

    version: int
    at: str
    actor: dict[str, str]
    text: OwnText | None = None


def shown(place: Place, found: InForce, stored: StoredText | None) -> TemplateDocument:
    """Show the text in force at a place; `stored` is what was ever stored there."""
    own, here = found.place, found.place == place
    text = found.text
    return TemplateDocument(
        body=text.body,
        subject=text.subject,
        html=text.html,
        whatsapp=text.whatsapp,
        key=place.key,
        audience=place.audience,
        channel=place.channel,
        locale=place.locale,
        origin="builtin" if own is None else "own",
        version=stored.version if stored is not None else 0,
        updated_at=stored.at if stored is not None and here else None,
        inherited_from=None if own is None or here else Inherited(key=own.key, locale=own.locale),
    )


def blank(place: Place, stored: StoredText | None) -> Json:
    """Give the fields of an own key's text that is not there yet."""
    empty = InForce(OwnText(body=""), place, place.locale)
    data: Json = to_data(shown(place, empty, StoredText(stored.version if stored else 0, None, "")))
    return {name: value for name, value in data.items() if name not in ("body", "updated_at")}


def entry(place: Place, own: OwnTexts) -> TemplateEntry:
    """Show an address of the list."""
    version = own.version(place)
    return TemplateEntry(
        key=place.key,
        audience=place.audience,
        channel=place.channel,
        locale=place.locale,
        origin="builtin" if version is None else "own",
        version=version or 0,
    )


def version_shown(told: TextVersion) -> TemplateVersion:
    """Show a version."""
    return TemplateVersion(version=told.version, at=told.at, actor=dict(told.actor), text=told.text)
