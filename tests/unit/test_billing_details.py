"""Billing details: what they may be, and what is said while they are missing."""

import json

import pytest

from carillon.domain.billing import LANGUAGES, BillingDetails, details_missing, read_language, tax_id
from carillon.domain.errors import Invalid
from carillon.runtime.http.validation import validate

ADDRESS = {"line1": "Damrak 1", "postal_code": "1012 LG", "city": "Amsterdam", "country": "NL"}


def read(**fields: object) -> BillingDetails:
    found: BillingDetails = validate(
        BillingDetails, json.dumps({"company": "Salon BV", "address": ADDRESS} | fields).encode()
    )
    return found


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("nl", "nl"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de,fr;q=0.4,nl;q=0.7", "nl"),
        ("fr;q=0, nl;q=0.1", "nl"),
        ("FR-ca", "fr"),
        ("*, de", "en"),
        ("nl;q=9;;,,%", "en"),
        ("de" * 1000, "en"),
    ],
)
def test_the_language_follows_what_the_caller_accepts(accepted: str, language: str) -> None:
    assert read_language(accepted) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_where_the_details_go(language: str) -> None:
    assert "PUT /v1/billing/details" in details_missing(language)
    assert len({details_missing(each) for each in LANGUAGES}) == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NL 1234.56.789.B01", ("eu_vat", "NL123456789B01")),
        ("PL5260001246", ("eu_vat", "PL5260001246")),
        ("FR 40 303265045", ("eu_vat", "FR40303265045")),
        ("ATU12345678", ("eu_vat", "ATU12345678")),
        ("GB980780684", ("gb_vat", "GB980780684")),
        ("CHE-123.456.788 TVA", ("ch_vat", "CHE123456788TVA")),
        ("NO923609016MVA", ("no_vat", "NO923609016MVA")),
        ("US-12", None),
        ("NL12", None),
    ],
)
def test_a_vat_number_has_a_kind(text: str, found: tuple[str, str] | None) -> None:
    assert tax_id(text) == found


def test_a_vat_number_that_its_country_does_not_give_is_refused_at_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        read(vat_id="NL12")
    assert [fault.pointer for fault in refused.value.faults] == ["/vat_id"]
    assert read(vat_id="AU 51 824 753 556").vat_id == "AU 51 824 753 556"


def test_an_address_may_be_one_text() -> None:
    assert read(address="Damrak 1\n1012 LG Amsterdam").address.line1 == "Damrak 1, 1012 LG Amsterdam"
    with pytest.raises(Invalid) as refused:
        read(address={"line1": "", "zip": "1"})
    assert {fault.pointer for fault in refused.value.faults} == {"/address/line1", "/address/zip"}
