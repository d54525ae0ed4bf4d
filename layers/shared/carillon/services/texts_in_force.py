"""Which text a reader gets: walks the order of fallback over what is stored, reading no more than it must."""

from carillon.domain.own_texts import Place
from carillon.domain.templates import OwnText, candidates, keys_of, locales_of
from carillon.domain.values import value
from carillon.ports.texts import TemplateStore, TemplateView, Texts


@value
class InForce:
    """A text in force: the own one stored at `place`, or a built-in one (None), written in `locale`."""

    text: OwnText
    place: Place | None
    locale: str


def nearby(place: Place) -> list[Place]:
    """Name the addresses that come first in the order: the place itself, its language, and their general key."""
    return [place.at(key, locale) for locale in locales_of(place.locale) for key in keys_of(place.key)]


def in_force(org_id: str, place: Place, view: TemplateView, *, store: TemplateStore, built_in: Texts) -> InForce | None:
    """Find the text in force at a place of which `nearby` was read; None for an own key without one.

    Only a language without built-in texts, or an own key, can need a further reading: of the organization's locale.
    """
    order = candidates(place.key, place.locale, view.settings.locale)
    stored, read = dict(view.texts), set(nearby(place))
    for candidate in order:
        if not candidate.own:
            text = built_in.built_in(place.at(candidate.key, candidate.locale))
            return InForce(text, None, candidate.writing)
        at = place.at(candidate.key, candidate.locale)
        if at not in read:
            further = [place.at(each.key, each.locale) for each in order if each.own]
            stored |= store.texts(org_id, [each for each in further if each not in read])
            read.update(further)
        found = stored.get(at)
        if found is not None and found.text is not None:
            return InForce(found.text, at, candidate.writing)
    return None
