"""Stripe's events: our check of the signature against its own client's, and what an event is read as."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.providers.stripe_events import EVENTS, is_of_mode, is_signed, read_event, signature
from carillon.domain.top_ups import Reference

SECRET = "whsec_secret"
BODY = '{\n  "id": "evt_1",\n  "name": "Zoë"\n}'


def both(header: str | None, secret: str = SECRET, body: str = BODY) -> bool:
    """Ask the client and ourselves; they agree."""
    try:
        theirs = bool(stripe.WebhookSignature.verify_header(body, header, secret, 300))
    except stripe.SignatureVerificationError:
        theirs = False
    ours = is_signed(secret, header, body.encode(), datetime.now(UTC))
    assert ours == theirs, header
    return ours


def header(age: timedelta = timedelta(), secret: str = SECRET, body: str = BODY) -> str:
    # By the clock, not by when this file was read: the client looks at no other, and takes five minutes.
    at = datetime.now(UTC) - age
    return str(stripe.WebhookSignature.generate_signature_header(body, secret, int(at.timestamp())))


def test_what_stripe_signs_is_genuine() -> None:
    assert both(header())
    theirs = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, 7)
    assert theirs == f"t=7,v1={signature(SECRET, 7, BODY.encode())}"


@pytest.mark.parametrize(
    "given",
    [None, "", "t=1", "v1=abc", f"t=,v1={'0' * 64}", f"t=x,v1={'0' * 64}", "t=1,,v1=2"],
)
def test_what_is_no_signature_is_not_genuine(given: str | None) -> None:
    assert not both(given)


def test_what_stripe_did_not_sign_just_so_is_not_genuine() -> None:
    assert not both(header(timedelta(minutes=6)))
    assert not both(header(secret="whsec_other"))
    assert not both(header(body="{}"))
    assert not both(header().replace("v1=", "v0="))


def test_a_signature_that_is_no_ascii_is_none() -> None:
    # The client itself raises TypeError here.
    assert not is_signed(SECRET, header().replace("v1=", "v1=é"), BODY.encode(), datetime.now(UTC))


def test_one_of_two_signatures_is_enough_while_the_secret_is_rotated() -> None:
    old = header(secret="whsec_old").partition(",")[2]
    assert both(f"{header().partition(',')[0]},{old},{header().partition(',')[2]}")


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not both(header(secret=" "), secret="")
    assert not is_signed("", header(secret="x"), BODY.encode(), datetime.now(UTC))


@given(st.text(alphabet="t=v1,0a9 -", max_size=40))
def test_both_refuse_the_same_headers(text: str) -> None:
    assert not both(text)


def test_an_age_of_five_minutes_is_still_fine() -> None:
    at = int(time.time()) - 300
    assert is_signed(SECRET, f"t={at},v1={signature(SECRET, at, b'')}", b"", datetime.fromtimestamp(at + 300, UTC))
    assert not is_signed(SECRET, f"t={at},v1={signature(SECRET, at, b'')}", b"", datetime.fromtimestamp(at + 301, UTC))


@pytest.mark.parametrize(
    ("key", "livemode", "same"),
    [
        ("sk_live_1", True, True),
        ("rk_live_1", True, True),
        ("sk_test_1", False, True),
        ("sk_test_1", True, False),
        ("sk_live_1", False, False),
        ("sk_test_1", None, False),
        ("", True, False),
    ],
)
def test_an_event_of_the_other_mode_is_known(key: str, livemode: object, same: bool) -> None:
    assert is_of_mode({"livemode": livemode}, key) is same


OURS = {"carillon": "prod", "organization": "aurora", "top_up": "01A"}


@pytest.mark.parametrize(
    ("kind", "about", "found"),
    [
        ("checkout.session.completed", {"metadata": OURS}, Reference("evt_1", "", "aurora", "01A")),
        ("invoice.paid", {"metadata": OURS}, Reference("evt_1", "", "aurora", "01A")),
        ("invoice.paid", {"metadata": {}}, None),
        ("invoice.paid", {"metadata": OURS | {"carillon": "dev"}}, None),
        ("charge.refunded", {"object": "charge", "metadata": OURS}, Reference("evt_1", "", "aurora", "01A")),
        (
            "charge.refunded",
            {"object": "charge", "metadata": {}, "payment_intent": "pi_1"},
            Reference("evt_1", "", payment="pi_1"),
        ),
        (
            "charge.dispute.created",
            {"object": "dispute", "metadata": {}, "payment_intent": "pi_1"},
            Reference("evt_1", "", payment="pi_1"),
        ),
        ("charge.refunded", {"object": "charge", "metadata": {}, "payment_intent": None}, None),
        ("customer.created", {"metadata": OURS}, None),
    ],
)
def test_an_event_names_the_order_it_is_about(kind: str, about: dict[str, object], found: Reference | None) -> None:
    event = json.loads(json.dumps({"id": "evt_1", "type": kind, "data": {"object": about}}))
    read = read_event(event, "prod")
    expected = found and Reference(found.event, kind, found.org_id, found.top_up, found.payment)
    assert read == expected


def test_an_event_without_anything_is_nothing() -> None:
    assert read_event({}, "prod") is None
    assert read_event({"type": next(iter(EVENTS)), "data": None}, "prod") is None
