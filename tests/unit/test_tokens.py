"""Tokens that name a message to a provider."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.tokens import NoTokens, SignedTokens
from carillon.domain.ids import digest
from carillon.domain.messages import MessageKey

ids = st.text("abzABZ019._:-", min_size=1, max_size=64)
orgs = st.builds(lambda name, test: name + ("~test" if test else ""), ids, st.booleans())
keys = st.builds(lambda kind, who, part: MessageKey(f"{kind}:{who}", digest(part)), st.sampled_from("cs"), ids, ids)
tokens = SignedTokens(lambda: "signing-key")


@given(orgs, keys)
def test_a_token_comes_back_as_what_it_names(org_id: str, key: MessageKey) -> None:
    token = tokens.issue(org_id, key)
    assert tokens.read(token) == (org_id, key)
    assert re.fullmatch(r"[A-Za-z0-9_\-]{1,256}", token)


def test_the_longest_ids_fit_a_tag_of_ses() -> None:
    longest = MessageKey("c:" + "x" * 64, digest("x"))
    assert len(tokens.issue("o" * 64 + "~test", longest)) <= 256


@given(orgs, keys, st.integers(0, 255), st.sampled_from("aZ0_-"))
def test_a_token_with_any_character_changed_names_nothing(org_id: str, key: MessageKey, place: int, char: str) -> None:
    token = tokens.issue(org_id, key)
    place %= len(token)
    changed = token[:place] + char + token[place + 1 :]
    assert changed == token or tokens.read(changed) is None


@given(orgs, keys, st.integers(0, 255), st.sampled_from(["=", " ", "%", "é", "\n", "A", "\ud800"]))
def test_a_token_with_anything_added_names_nothing(org_id: str, key: MessageKey, place: int, char: str) -> None:
    token = tokens.issue(org_id, key)
    assert tokens.read(token[:place] + char + token[place:]) is None


@given(st.text(max_size=120))
def test_whatever_is_given_names_nothing_and_raises_nothing(text: str) -> None:
    assert tokens.read(text) is None


def test_another_signing_key_reads_nothing() -> None:
    key = MessageKey("c:anna", digest("x"))
    assert SignedTokens(lambda: "other").read(tokens.issue("aurora", key)) is None


def test_parts_cannot_be_moved_from_one_field_to_another() -> None:
    one = tokens.issue("aurora", MessageKey("c:anna", digest("x")))
    other = tokens.issue("aurora~test", MessageKey("c:anna", digest("x")))
    assert one != other
    assert tokens.read(one[:20] + other[20:]) is None


@pytest.mark.parametrize("text", ["", "x"])
def test_where_nothing_reports_there_are_no_tokens(text: str) -> None:
    assert NoTokens().issue("aurora", MessageKey("c:anna", digest("x"))) == ""
    assert NoTokens().read(text) is None
