"""How an SMS is encoded, counted and kept cheap."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carillon.domain.sms import encoding, fold, fold_if_it_helps, is_gsm, measure, normalise

GSM = "".join(char for char in map(chr, range(0x20, 0x2000)) if is_gsm(char) and char not in "^{}\\[~]|\u20ac")
EXTENSION = "^{}\\[~]|\u20ac"


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("", "GSM-7", 0),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("é" * 160, "GSM-7", 1),
        ("ł" * 70, "UCS-2", 1),
        ("ł" * 71, "UCS-2", 2),
        ("ł" * 134, "UCS-2", 2),
        ("ł" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_parts_follow_the_standard(text: str, kind: str, parts: int) -> None:
    size = measure(text)
    assert (size.encoding, size.parts, size.characters) == (kind, parts, len(text))


def test_an_escape_sequence_is_not_torn_between_two_parts() -> None:
    # 152 letters and a euro sign: its two septets don't fit the last one of the first part.
    assert measure("a" * 152 + "€" + "a" * 152).parts == 3
    assert measure("a" * 151 + "€" + "a" * 153).parts == 2


def test_a_surrogate_pair_is_not_torn_between_two_parts() -> None:
    assert measure("ł" * 66 + "😀" + "ł" * 66).parts == 3
    assert measure("ł" * 65 + "😀" + "ł" * 67).parts == 2


@pytest.mark.parametrize("char", list("èéùìòàøåæßñäöüÇÉÄÖÑÜ£¥§¿¡@_"))
def test_letters_of_the_basic_table_cost_nothing_extra(char: str) -> None:
    assert encoding(char) == "GSM-7"


@pytest.mark.parametrize("char", list("Èêçœûîôëïńłąężźćśó\u2019\u2013\u2026\u00a0\u202f"))
def test_letters_that_look_close_to_it_still_force_ucs2(char: str) -> None:
    assert encoding(char) == "UCS-2"


def test_typographic_characters_become_plain_ones() -> None:
    typed = "\u2018Hi\u2019 \u201cthere\u201d \u2014 it\u2019s 2:00\u202fPM\u2026 \u2022\u00a0ok"
    assert normalise(typed) == "'Hi' \"there\" - it's 2:00 PM... - ok"


def test_letters_stay_when_normalising() -> None:
    assert normalise("Zażółć gęślą jaźń, ça va, 😀") == "Zażółć gęślą jaźń, ça va, 😀"


def test_typography_stays_where_it_costs_nothing() -> None:
    assert normalise("Cześć\u2026") == "Cześć\u2026"


def test_folding_leaves_the_letters_that_gsm_has() -> None:
    assert fold("Zażółć gęślą jaźń, œuvre, août, é à ö ß Ø") == "Zazolc gesla jazn, oeuvre, aout, é à ö ß Ø"


def test_folding_is_no_use_next_to_a_letter_that_cannot_be_folded() -> None:
    assert fold_if_it_helps("Łukasz") == "Lukasz"
    assert fold_if_it_helps("Łukasz Иванов") == "Łukasz Иванов"


@given(st.text(alphabet=GSM, max_size=700))
def test_gsm_text_needs_as_many_parts_as_its_length_says(text: str) -> None:
    expected = 0 if not text else 1 if len(text) <= 160 else -(-len(text) // 153)
    assert measure(text).parts == expected


@given(st.text(max_size=400))
@example("€" * 77 + "a" * 7)
def test_a_text_of_any_kind_has_parts_between_the_obvious_bounds(text: str) -> None:
    size = measure(text)
    if size.encoding == "GSM-7":
        units, single, joined = sum(2 if char in EXTENSION + "\f" else 1 for char in text), 160, 153
    else:
        units, single, joined = len(text.encode("utf-16-le", "surrogatepass")) // 2, 70, 67
    if units <= single:
        assert size.parts == (1 if text else 0)
    else:
        assert -(-units // joined) <= size.parts <= -(-units // (joined - 1))


@given(st.text(max_size=200))
def test_normalising_and_folding_never_cost_parts_and_are_done_once(text: str) -> None:
    written = measure(unicodedata.normalize("NFC", text)).parts
    for change in (normalise, fold_if_it_helps):
        assert measure(change(text)).parts <= written
        assert change(change(text)) == change(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=200))
def test_what_has_no_letters_beyond_latin_folds_into_gsm_or_stays_whole(text: str) -> None:
    folded = fold_if_it_helps(text)
    assert is_gsm(folded) or folded == unicodedata.normalize("NFC", text)
