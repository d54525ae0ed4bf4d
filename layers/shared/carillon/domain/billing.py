"""Who pays: an organization's billing details, and what it is told while they are missing."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from carillon.domain.constraints import Check, Country, Email, Schema, Text, document
from carillon.domain.errors import InvalidValue
from carillon.domain.values import value

_MISSING = {
    "en": "Fill in your billing details first: company and address, with PUT /v1/billing/details or in the console "
    "under Settings, Billing.",
    "nl": "Vul eerst uw factuurgegevens in: bedrijf en adres, met PUT /v1/billing/details of in de console onder "
    "Instellingen, Facturering.",
    "pl": "Najpierw uzupełnij dane do faktury: firmę i adres, przez PUT /v1/billing/details lub w konsoli w sekcji "
    "Ustawienia, Rozliczenia.",
    "fr": "Renseignez d'abord vos coordonnées de facturation : société et adresse, par PUT /v1/billing/details ou "
    "dans la console sous Paramètres, Facturation.",
}
LANGUAGES = tuple(_MISSING)
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")
_EU = (
    r"(AT)?U\d{8}|BE[01]?\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|(EL|GR)\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|"
    r"FI\d{8}|FR[A-HJ-NP-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE[0-9A-Z+*]{8,9}|IT\d{11}|LT(\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|"
    r"NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{12}|SI\d{8}|SK\d{10}|XI(\d{9}|\d{12}|GD\d{3}|HA\d{3})"
)
_TAX_IDS = {
    "eu_vat": re.compile(_EU.replace("(AT)?U", "ATU")),
    "gb_vat": re.compile(r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})"),
    "ch_vat": re.compile(r"CHE\d{9}(MWST|TVA|IVA)"),
    "no_vat": re.compile(r"NO\d{9}MVA"),
}
_OF_EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "EL",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "XI",
    ]
)


def tax_id(text: str) -> tuple[str, str] | None:
    """Give a VAT number's kind, as Stripe names it, and how it is written; None for one of other countries."""
    plain = re.sub(r"[\s.\-/]", "", text).upper()
    return next(((kind, plain) for kind, pattern in _TAX_IDS.items() if pattern.fullmatch(plain)), None)


def _vat(text: str) -> None:
    plain = re.sub(r"[\s.\-/]", "", text).upper()
    if plain[:2] in (*_OF_EU, "GB") and tax_id(text) is None:
        raise InvalidValue(f"is no VAT number of {plain[:2]}")


@value
class AsLines:
    """Lets an address be given as a text, which is then its first line."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Schema]) -> Schema:
        function = {"type": "no-info", "function": self.read}
        return {"type": "function-before", "schema": handler(source), "function": function}

    @staticmethod
    def read(given: Any) -> Any:
        """Turn a text into an address."""
        return {"line1": ", ".join(line.strip() for line in given.splitlines())} if isinstance(given, str) else given


@document
class PostalAddress:
    """Where a business is. Without a country it is the organization's."""

    line1: Annotated[str, Text(max=300, min=1)]
    line2: Annotated[str, Text(max=300)] | None = None
    postal_code: Annotated[str, Text(max=20)] | None = None
    city: Annotated[str, Text(max=100)] | None = None
    state: Annotated[str, Text(max=100)] | None = None
    country: Country | None = None


@document
class BillingDetails:
    """Who pays, as it stands on invoices.

    `address` may also be given as one text. `vat_id`: of the EU, Great Britain, Switzerland and Norway it goes to
    Stripe as a tax id, of other countries it is printed as it is. `email`: where invoices go.
    """

    company: Annotated[str, Text(max=150, min=1)]
    vat_id: Annotated[str, Text(max=30, min=2), Check(_vat)] | None = None
    address: Annotated[PostalAddress, AsLines()]
    email: Email | None = None


def read_language(accepted: str) -> str:
    """Choose one of our languages by `Accept-Language` (RFC 9110), English where none fits."""
    best, quality = "en", 0.0
    for part in accepted[:500].split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        weight = float(match[2]) if match[2] else 1.0
        if match[1].lower() in LANGUAGES and quality < weight <= 1:
            best, quality = match[1].lower(), weight
    return best


def details_missing(language: str) -> str:
    """Say that billing details are needed first, and where they go."""
    return _MISSING[language]
