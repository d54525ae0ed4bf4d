"""What Stripe is told of packages, addresses and ways back: parameters of its API, from what is stored."""

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from carillon.domain.billing import BillingDetails
from carillon.domain.packages import Package
from carillon.domain.top_ups import TopUp


def address(details: BillingDetails, country: str) -> dict[str, str]:
    """Write where a business is; without a country of its own it is the organization's."""
    parts = ("line1", "line2", "postal_code", "city", "state")
    known = {name: getattr(details.address, name) for name in parts}
    return {name: each for name, each in known.items() if each} | {"country": details.address.country or country}


def line(package: Package) -> dict[str, Any]:
    """Write a package as a line of a page."""
    rates = {"tax_rates": package.tax_rates} if package.tax_rates else {}
    if package.stripe_price is not None:
        return {"price": package.stripe_price, "quantity": 1, **rates}
    product = {"name": package.name, **({"tax_code": package.tax_code} if package.tax_code else {})}
    price: dict[str, Any] = {
        "currency": package.currency.lower(),
        "unit_amount": package.minor,
        "product_data": product,
    }
    if package.tax_behavior is not None:
        price["tax_behavior"] = package.tax_behavior
    return {"price_data": price, "quantity": 1, **rates}


def item(package: Package) -> dict[str, Any]:
    """Write what a line of a page says as an item of an invoice, which takes other parameters."""
    item: dict[str, Any] = {"description": package.name}
    if package.stripe_price is not None:
        item |= {"pricing": {"price": package.stripe_price}, "quantity": 1}
    else:
        item |= {"amount": package.minor, "currency": package.currency.lower()}
        item |= {name: each for name in ("tax_behavior", "tax_code") if (each := getattr(package, name))}
    return item | ({"tax_rates": package.tax_rates} if package.tax_rates else {})


def back(top_up: TopUp, result: str) -> str:
    """Give the address that the page leads back to, which then says of what and how it ended."""
    parts = urlsplit(top_up.return_url)
    told = urlencode({"top_up": top_up.id, "result": result})
    return urlunsplit(parts._replace(query=f"{parts.query}&{told}" if parts.query else told))
