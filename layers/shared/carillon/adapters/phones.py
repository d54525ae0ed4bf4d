"""Phone numbers, by Google's numbering plans."""

from functools import lru_cache

import phonenumbers

from carillon.domain.errors import InvalidValue


class NumberPlans:
    """See the port `Phones`.

    A number is taken when its country's plan knows numbers of its length: plans grow faster than libraries are
    updated, and a number that nobody has is found out by its first message.
    """

    def normalise(self, text: str, country: str) -> str:
        """Write a number as E.164; raises InvalidValue."""
        return _normalise(text, country)


@lru_cache(maxsize=1024)
def _normalise(text: str, country: str) -> str:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise InvalidValue(f"is not a phone number, neither international nor of {country}") from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidValue(f"is not a possible phone number, neither international nor of {country}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
