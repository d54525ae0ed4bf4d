"""Who a line is about, where no id says so: by phone, else by e-mail."""

from __future__ import annotations

from typing import Any

from carillon.adapters.phones import NumberPlans
from carillon.domain.errors import InvalidValue


def normal(phone: Any, country: str) -> str:
    """Write a phone as the API will; empty for none, or for one that isn't any."""
    if not isinstance(phone, str):
        return ""
    try:
        return NumberPlans().normalise(phone, country)
    except InvalidValue:
        return ""


def contact_of(person: dict[str, Any], country: str) -> str:
    """Give what a person is known by: its phone, else its e-mail without regard to case."""
    return normal(person.get("phone"), country) or str(person.get("email") or "").casefold()
