"""What an organization can buy: packages of units, as the deployment is configured with them.

They are JSON, one object per package:

    [{"id": "sms-500", "bucket": "sms", "amount": 500, "price": "29.00", "currency": "EUR", "name": "500 SMS",
      "stripe_price": "price_…", "tax_behavior": "exclusive", "tax_code": "txcd_…", "tax_rates": ["txr_…"]}]

The first five are needed. `stripe_price` names a price at Stripe to use instead of price and currency, which are then
what is shown; the tax settings are Stripe's.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any, get_args

from carillon.domain.channels import BUCKETS, Bucket
from carillon.domain.constraints import ID_PATTERN, document
from carillon.domain.values import value

WITHOUT_CENTS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
WITH_MILS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Currencies of three decimals; Stripe takes the last one as 0 only."""
MOST_UNITS = 100_000_000
MOST_MINOR = 99_999_999
"""The most that Stripe charges at once, in the smallest unit."""
REQUIRED = ("id", "bucket", "amount", "price", "currency")
TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")


class InvalidPackagesError(ValueError):
    """The packages of the deployment are not what they should be; the message names every fault."""


@document
class Money:
    """An amount of money: major units as a decimal text (`"29.00"`), and the currency's code."""

    amount: str
    currency: str


@document
class Package:
    """Units that are sold together. `price` in major units; the rest as in the module's description."""

    id: str
    bucket: Bucket
    amount: int
    price: str
    currency: str
    name: str
    stripe_price: str | None = None
    tax_behavior: str | None = None
    tax_code: str | None = None
    tax_rates: list[str] = field(default_factory=list)

    @property
    def minor(self) -> int:
        """The price in the currency's smallest unit, as Stripe takes it."""
        return int(Decimal(self.price) * 10 ** decimals(self.currency))


@value
class _Rule:
    pattern: str
    meaning: str


_RULES: Mapping[str, _Rule] = {
    "id": _Rule(ID_PATTERN, "1 to 64 of A-Z a-z 0-9 . _ : -"),
    "price": _Rule(r"\d{1,8}(\.\d{1,3})?", 'a decimal text such as "29.00"'),
    "currency": _Rule(r"[A-Z]{3}", "three capital letters"),
    "name": _Rule(r"[^\x00-\x1f]{1,100}", "1 to 100 characters"),
    "stripe_price": _Rule(r"price_[A-Za-z0-9_]{1,200}", "the id of a price, price_…"),
    "tax_behavior": _Rule("|".join(TAX_BEHAVIORS), f"one of {', '.join(TAX_BEHAVIORS)}"),
    "tax_code": _Rule(r"txcd_[0-9]{1,20}", "a tax code, txcd_…"),
}


def decimals(currency: str) -> int:
    """Say how many decimals a currency has."""
    return 0 if currency in WITHOUT_CENTS else 3 if currency in WITH_MILS else 2


def read_packages(text: str) -> dict[str, Package]:
    """Read the deployment's packages, by id, in their order; raises InvalidPackagesError."""
    try:
        entries = json.loads(text or "[]")
    except ValueError as error:
        raise InvalidPackagesError(f"the packages are not JSON: {error}") from None
    if not isinstance(entries, list):
        raise InvalidPackagesError("the packages are a JSON list")
    faults: list[str] = []
    found: dict[str, Package] = {}
    for number, entry in enumerate(entries, 1):
        wrong = _faults(entry)
        faults += [f"package {number}: {fault}" for fault in wrong]
        if wrong:
            continue
        package = Package(**{"name": f"{entry['amount']} {entry['bucket']}", **entry})
        if package.id in found:
            faults.append(f"package {number}: the id {package.id!r} stands twice")
        found[package.id] = package
    if faults:
        raise InvalidPackagesError("; ".join(faults))
    return found


def _faults(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return ["must be an object"]
    known = {*_RULES, "bucket", "amount", "tax_rates"}
    faults = [f"{name} is not known" for name in sorted(set(entry) - known)]
    faults += [f"{name} is missing" for name in REQUIRED if name not in entry]
    for name, rule in _RULES.items():
        text = entry.get(name, "")
        if name in entry and not (isinstance(text, str) and re.fullmatch(rule.pattern, text)):
            faults.append(f"{name} must be {rule.meaning}")
    if "bucket" in entry and entry["bucket"] not in BUCKETS:
        faults.append(f"bucket must be one of {', '.join(get_args(Bucket))}")
    amount = entry.get("amount", 1)
    if type(amount) is not int or not 1 <= amount <= MOST_UNITS:
        faults.append(f"amount must be a whole number from 1 to {MOST_UNITS}")
    rates = entry.get("tax_rates", [])
    if not (isinstance(rates, list) and all(isinstance(each, str) and each.startswith("txr_") for each in rates)):
        faults.append("tax_rates must be a list of tax rates, txr_…")
    return faults or _price_faults(entry)


def _price_faults(entry: Mapping[str, Any]) -> list[str]:
    currency = entry["currency"]
    places = min(decimals(currency), 2)  # Stripe takes the third decimal as 0 only
    minor = Decimal(entry["price"]) * 10 ** decimals(currency)
    if minor != minor.to_integral_value() or -Decimal(entry["price"]).normalize().as_tuple().exponent > places:  # type: ignore[operator]
        return [f"price has more decimals than {currency}"]
    if not 1 <= minor <= MOST_MINOR:
        return ["price must be more than 0, and no more than Stripe charges at once"]
    return []
