"""Names as people search for them: without case, without accents."""

import unicodedata


def fold(text: str) -> str:
    """Fold a text for comparing: `Łukasz Müller` and `lukasz muller` are the same."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_STROKES)
    return "".join(char for char in plain if not unicodedata.combining(char)).strip()


_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t"})
"""Letters whose stroke is no combining mark."""
