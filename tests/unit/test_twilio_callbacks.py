"""Twilio's callbacks: signed exactly as Twilio's own library checks, and read as moves of a message."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from carillon.adapters.providers.twilio_callbacks import form, is_signed, signature, status_of

URL = "https://carillon.example/callbacks/twilio/status?m=tok_EN-1"
words = st.text(st.characters(codec="utf-8"), max_size=12)
fields = st.lists(st.tuples(st.text("AaBbMessage_", min_size=1, max_size=6), words), max_size=8)
tokens = st.text("0123456789abcdef", min_size=1, max_size=32)


class MultiDict(dict[str, list[str]]):
    """The fields as a web framework hands them to Twilio's validator."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def multi(parameters: list[tuple[str, str]]) -> MultiDict:
    found = MultiDict()
    for name, value in parameters:
        found.setdefault(name, []).append(value)
    return found


@given(tokens, fields)
def test_the_signature_is_the_one_that_twilios_library_computes(token: str, parameters: list[tuple[str, str]]) -> None:
    assert signature(token, URL, parameters) == RequestValidator(token).compute_signature(URL, multi(parameters))


@given(tokens, fields)
def test_a_form_as_twilio_posts_it_is_accepted(token: str, parameters: list[tuple[str, str]]) -> None:
    body = urlencode(parameters)
    given_signature = RequestValidator(token).compute_signature(URL, multi(parameters))
    assert is_signed(token, URL, body, given_signature)
    assert RequestValidator(token).validate(URL, multi(form(body)), signature(token, URL, form(body)))


def test_blank_fields_are_part_of_what_was_signed() -> None:
    body = "ErrorCode=&MessageStatus=sent"
    with_blank = RequestValidator("t").compute_signature(URL, {"ErrorCode": "", "MessageStatus": "sent"})
    assert is_signed("t", URL, body, with_blank)


def test_a_repeated_field_counts_with_each_of_its_values_once() -> None:
    parameters = [("Media", "b"), ("Media", "a"), ("Media", "b")]
    assert signature("t", URL, parameters) == signature("t", URL, [("Media", "a"), ("Media", "b")])


GOOD = RequestValidator("t").compute_signature(URL, {"MessageStatus": "sent"})


@pytest.mark.parametrize(
    ("token", "url", "body", "given_signature"),
    [
        ("other", URL, "MessageStatus=sent", GOOD),
        ("t", URL + "x", "MessageStatus=sent", GOOD),
        ("t", URL.replace("https", "http"), "MessageStatus=sent", GOOD),
        ("t", URL, "MessageStatus=failed", GOOD),
        ("t", URL, "MessageStatus=sent&Extra=1", GOOD),
        ("t", URL, "MessageStatus=sent", GOOD[:-1]),
        ("t", URL, "MessageStatus=sent", ""),
        ("t", URL, "MessageStatus=sent", "é"),
        ("t", URL, "MessageStatus=sent", "\ud800"),
        ("t", URL, "MessageStatus=\ud800", GOOD),
        ("t", URL, "MessageStatus=sent", None),
        ("", URL, "MessageStatus=sent", signature("", URL, [("MessageStatus", "sent")])),
    ],
)
def test_anything_else_is_not_signed(token: str, url: str, body: str, given_signature: str | None) -> None:
    assert is_signed("t", URL, "MessageStatus=sent", GOOD)
    assert not is_signed(token, url, body, given_signature)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("accepted", None), ("queued", None), ("sending", None), ("scheduled", None), ("receiving", None), ("", None),
        ("sent", ("sent", None)),
        ("delivered", ("delivered", None)),
        ("read", ("read", None)),
        ("failed", ("failed", "provider_error")),
        ("undelivered", ("failed", "provider_error")),
        ("canceled", ("failed", "provider_error")),
    ],
)  # fmt: skip
def test_a_status_is_read_into_ours(status: str, expected: tuple[str, str | None] | None) -> None:
    assert status_of({"MessageStatus": status}) == expected
    assert status_of({"SmsStatus": status}) == expected


def test_a_failure_names_the_reason_of_its_code() -> None:
    failed = {"MessageStatus": "undelivered", "ErrorCode": "63016"}
    assert status_of(failed) == ("failed", "content_rejected")


def test_a_callback_without_a_status_tells_nothing() -> None:
    assert status_of({}) is None
