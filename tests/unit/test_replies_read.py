"""Replies as they come in: numbers that are written in more than one way, texts that mean harm, Twilio's parameters."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.phones import NumberPlans
from carillon.adapters.providers.twilio_callbacks import reply_of
from carillon.domain.constraints import BIDI_CONTROLS
from carillon.domain.replies import LONGEST, Reply, neutral
from carillon.domain.spellings import one_spelling, spellings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FORM = {
    "MessageSid": "SM1",
    "From": "whatsapp:+31612345678",
    "To": "whatsapp:+15550001111",
    "Body": "Hi",
    "WaId": "31612345678",
    "NumMedia": "0",
}


@pytest.mark.parametrize(
    ("stated", "whatsapp"),
    [
        ("+525512345678", "+5215512345678"),  # Mexico
        ("+541123456789", "+5491123456789"),  # Argentina
        ("+5551987654321", "+555187654321"),  # Brazil, an account from before the ninth digit
    ],
)
def test_numbers_that_whatsapp_writes_otherwise_are_the_same(stated: str, whatsapp: str) -> None:
    assert set(spellings(stated)) == set(spellings(whatsapp)) == {stated, whatsapp}
    assert spellings(stated)[0] == stated
    assert one_spelling(stated) == one_spelling(whatsapp)


@pytest.mark.parametrize(
    "phone", ["+31612345678", "+48600100200", "+33612345678", "+12125550100", "+5255123456", "+52"]
)
def test_other_numbers_have_one_spelling(phone: str) -> None:
    assert spellings(phone) == (phone,)


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_the_ways_to_write_a_number_agree_on_each_other(phone: str) -> None:
    for other in spellings(phone):
        assert set(spellings(other)) == set(spellings(phone))
        assert one_spelling(other) == one_spelling(phone)


def test_what_a_plan_takes_is_one_of_the_spellings() -> None:
    assert NumberPlans().normalise("55 1234 5678", "MX") in spellings("+5215512345678")


@given(st.text(max_size=2 * LONGEST))
def test_whatever_is_kept_can_be_shown(text: str) -> None:
    kept = neutral(text)
    assert len(kept) <= LONGEST
    assert not BIDI_CONTROLS & set(kept)
    assert all(char == "\n" or unicodedata.category(char) not in ("Cc", "Cs") for char in kept)
    assert neutral(kept) == kept


def test_ordinary_texts_are_kept_as_they_are() -> None:
    text = "Dzień dobry! 😀👩‍👧\nDo jutra, o 10:30?"
    assert neutral(text) == text


def test_a_message_over_whatsapp_is_a_reply_to_the_number_it_came_to() -> None:
    assert reply_of(FORM, NOW) == Reply("whatsapp", "+31612345678", "Hi", "SM1", NOW, "+15550001111")


def test_a_picture_without_words_is_a_reply_too() -> None:
    found = reply_of(FORM | {"Body": "", "NumMedia": "1"}, NOW)
    assert found is not None
    assert found.text == ""


@pytest.mark.parametrize(
    "more",
    [
        {"From": "+31612345678"},
        {"From": "whatsapp:BE.1A2B3C"},
        {"From": ""},
        {"To": "+15550001111"},
        {"To": ""},
        {"MessageSid": ""},
    ],
)
def test_what_else_comes_to_the_same_address_is_none(more: dict[str, str]) -> None:
    assert reply_of(FORM | more, NOW) is None


def test_the_same_message_has_the_same_key_and_another_one_another() -> None:
    one, again, other = (reply_of(FORM | {"MessageSid": sid, "Body": sid}, NOW) for sid in ("SM1", "SM1", "SM2"))
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.key == again.key != other.key
