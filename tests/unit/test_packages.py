"""The deployment's packages: read once, refused with every fault at once."""

import json

import pytest

from carillon.domain.packages import InvalidPackagesError, read_packages
from local.config import PACKAGES

GOOD = {"id": "sms-500", "bucket": "sms", "amount": 500, "price": "29.00", "currency": "EUR"}


def read(*entries: object) -> list[str]:
    return list(read_packages(json.dumps(entries)))


def test_packages_keep_their_order_and_need_no_name() -> None:
    found = read_packages(json.dumps([GOOD, {**GOOD, "id": "a", "name": "Vijfhonderd", "tax_rates": ["txr_1"]}]))
    assert [(each.id, each.name, each.minor) for each in found.values()] == [
        ("sms-500", "500 sms", 2900),
        ("a", "Vijfhonderd", 2900),
    ]


def test_none_are_fine_and_the_local_ones_are_right() -> None:
    assert read_packages("[]") == read_packages("") == {}
    assert len(read_packages(PACKAGES)) == 3


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [("29", "EUR", 2900), ("0.5", "USD", 50), ("500", "JPY", 500), ("1.25", "KWD", 1250), ("300.00", "ISK", 30000)],
)
def test_a_price_is_charged_in_its_currencys_smallest_unit(price: str, currency: str, minor: int) -> None:
    (package,) = read_packages(json.dumps([GOOD | {"price": price, "currency": currency}])).values()
    assert package.minor == minor


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bucket": "push"}, "bucket must be one of email, sms"),
        ({"amount": 0}, "amount must be a whole number"),
        ({"amount": True}, "amount must be a whole number"),
        ({"price": 29}, "price must be a decimal text"),
        ({"price": "29.001"}, "price has more decimals than EUR"),
        ({"price": "1.001", "currency": "KWD"}, "price has more decimals than KWD"),
        ({"price": "0.00"}, "price must be more than 0"),
        ({"currency": "eur"}, "currency must be three capital letters"),
        ({"colour": "red"}, "colour is not known"),
        ({"stripe_price": "prod_1"}, "stripe_price must be the id of a price"),
        ({"tax_rates": "txr_1"}, "tax_rates must be a list"),
        ({"id": "no spaces"}, "id must be 1 to 64"),
    ],
)
def test_each_fault_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidPackagesError, match=f"package 1: {said}"):
        read(GOOD | change)


def test_all_faults_of_all_packages_are_named_at_once() -> None:
    with pytest.raises(InvalidPackagesError) as refused:
        read({"id": "x"}, GOOD, GOOD, 7)
    said = str(refused.value)
    for part in ("package 1: bucket is missing", "package 1: price is missing", "package 3: the id 'sms-500' stands"):
        assert part in said
    assert "package 4: must be an object" in said


@pytest.mark.parametrize("text", ["{", "{}", "7"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackagesError):
        read_packages(text)
