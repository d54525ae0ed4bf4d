"""Addresses of texts: which can exist, how they are listed, and what is refused in a text before it is parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.rendering.texts import all_built_in
from carillon.domain.catalog import AUDIENCES, ROWS
from carillon.domain.errors import Invalid, NotFound
from carillon.domain.own_texts import (
    OwnTexts,
    Place,
    all_places,
    built_in_places,
    find_place,
    mark,
    offered,
    place_of_text,
)
from carillon.domain.templates import Mistake, forbidden_characters

WELCOME = Place("own.welcome", "client", "sms", "nl")


def test_every_row_is_for_the_audiences_that_the_catalog_offers() -> None:
    assert all(offered(key) == tuple(row.offers) for key, row in ROWS.items())


@pytest.mark.parametrize(
    ("key", "audiences"),
    [
        ("own.welcome", AUDIENCES),
        ("own.short-2", AUDIENCES),
        ("reminder.two_days", ("client", "collaborator")),
        ("own.", ()),
        ("own.Welcome", ()),
        ("own.a#b", ()),
        (f"own.{'x' * 33}", ()),
        ("reminder.", ()),
        ("reminder.review", ()),
        ("appointment.booked", ()),
        ("recap.mine", ()),
        ("", ()),
    ],
)
def test_a_key_is_one_of_the_catalog_a_reminders_or_an_own_one(key: str, audiences: tuple[str, ...]) -> None:
    assert offered(key) == audiences


def test_an_address_is_checked_part_by_part() -> None:
    assert find_place("own.welcome", "client", "sms", "nl") == WELCOME
    for wrong in (("x", "client", "sms"), ("recap", "client", "sms"), ("recap", "manager", "fax")):
        with pytest.raises(NotFound):
            find_place(*wrong, "nl")
    with pytest.raises(Invalid) as caught:
        find_place("own.welcome", "client", "sms", "nl_NL")
    assert caught.value.faults[0].pointer == "/locale"


def test_every_listed_address_has_a_built_in_text() -> None:
    made = {Place(key, audience, channel, locale) for key, audience, channel, locale, text in all_built_in() if text}
    assert set(built_in_places()) == made
    assert list(built_in_places()) == sorted(made)


def test_own_texts_are_listed_in_their_place_and_once() -> None:
    edited = Place("recap", "manager", "sms", "nl")
    listed = all_places(OwnTexts({str(WELCOME): "1", str(edited): "2w"}))
    assert listed == sorted({*built_in_places(), WELCOME})


@given(
    st.builds(
        Place,
        st.from_regex(r"own\.[a-z0-9_-]{1,32}", fullmatch=True),
        st.sampled_from(AUDIENCES),
        st.sampled_from(["email", "sms"]),
        st.sampled_from(["nl", "pt-BR", "zh-Hant-TW"]),
    )
)
def test_an_address_comes_back_from_its_text(place: Place) -> None:
    assert place_of_text(str(place)) == place
    assert find_place(*place.parts()) == place


def test_the_list_says_version_and_whatsapp_template() -> None:
    own = OwnTexts({str(WELCOME): mark(12, content=True)})
    assert (own.version(WELCOME), own.has_content(WELCOME)) == (12, True)
    other = WELCOME.at("own.welcome", "pl")
    assert (own.version(other), own.has_content(other)) == (None, False)
    assert OwnTexts({str(WELCOME): mark(3, content=False)}).has_content(WELCOME) is False


def test_the_first_own_whatsapp_template_in_the_order_of_fallback_counts() -> None:
    general, exact = Place("reminder", "client", "whatsapp", "nl"), Place("reminder.first", "client", "whatsapp", "nl")
    own = OwnTexts({str(general): "1w", str(exact): "1"})
    found = own.content("reminder.first", "client", "nl-BE", "pl")
    assert found is not None
    assert (found.key, found.locale, found.writing) == ("reminder", "nl", "nl-BE")
    assert own.content("reminder.first", "client", "pl", "nl") is None
    assert own.content("reminder.first", "collaborator", "nl", "nl") is None
    assert OwnTexts().content("reminder.first", "client", "nl", "nl") is None


def test_control_characters_and_overrides_are_named_with_their_place() -> None:
    assert forbidden_characters("body", "a\tb\r\nc\u200fd") == []
    found = forbidden_characters("body", "fine\nx\u202ey\n\x00")
    assert [(each.part, each.line, each.column) for each in found] == [("body", 2, 2), ("body", 3, 1)]
    assert found[0] == Mistake("body", 2, 2, "the character U+202E is not allowed")


@given(st.text(max_size=200))
def test_what_passes_has_nothing_that_a_terminal_or_a_header_would_obey(source: str) -> None:
    if not forbidden_characters("body", source):
        assert not set(source) & {chr(code) for code in range(32) if chr(code) not in "\t\n\r"}
        assert "\u202e" not in source
