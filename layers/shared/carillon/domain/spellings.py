"""Phone numbers that are written in more than one way."""


def spellings(address: str) -> tuple[str, ...]:
    """Give the ways in which one phone number is written, the given one first.

    WhatsApp knows mobile numbers of Mexico and Argentina with a digit behind the country code (1, 9) that their plans
    have dropped or never write abroad, and older ones of Brazil without the 9 that all mobile numbers have got since.
    """
    for code, digit, place, national in _WITH_A_DIGIT:
        if address.startswith(code):
            rest = address[len(code) :]
            if len(rest) == national + 1 and rest[place] == digit:
                return address, code + rest[:place] + rest[place + 1 :]
            if len(rest) == national:
                return address, code + rest[:place] + digit + rest[place:]
    return (address,)


_WITH_A_DIGIT = (("+52", "1", 0, 10), ("+54", "9", 0, 10), ("+55", "9", 2, 10))
"""Country code, the digit, its place in the national number, and the digits without it."""


def one_spelling(address: str) -> str:
    """Give the same writing for all the ways in which one phone number is written."""
    return min(spellings(address))
