"""How a locale writes: days, times, prices, lengths, counts and lists.

Babel is imported on first use: only functions that render pay for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from carillon.adapters.rendering.texts import parts
from carillon.domain.settings import Status
from carillon.domain.templates import built_in_locale

if TYPE_CHECKING:
    from babel import Locale

_KEPT = 4096
"""How many written values a locale remembers."""
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})
_EUROPE = (
    "AD AL AT BA BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE "
    "SI SK SM UA XK"
)


class Formats:
    """Everything a locale writes its own way."""

    def __init__(self, locale: str, country: str) -> None:
        self.locale = _babel(locale, country)
        built_in = built_in_locale(locale)
        self._own: Mapping[str, Any] = parts(built_in) if built_in else {}
        self._words: Mapping[str, str] = self._own.get("words", {})
        self._written: dict[tuple[str, Any], str] = {}

    def _once(self, what: str, value: Any, write: Callable[[], str]) -> str:
        """Write a value once: the same days, times and lengths come in message after message."""
        key = (what, value)
        known = self._written.get(key)
        if known is None:
            if len(self._written) >= _KEPT:
                self._written.clear()
            known = self._written[key] = write()
        return known

    def day(self, day: date, *, year: bool = False) -> str:
        """Write a date as `1 December`, with the year if asked."""
        return self._once("long", (day, year), lambda: self._date("long", day, year=year))

    def full_day(self, day: date, *, year: bool = False) -> str:
        """Write a date with its day of the week: `Tuesday, 1 December`."""
        return self._once("full", (day, year), lambda: self._date("full", day, year=year))

    def _date(self, width: str, day: date, *, year: bool) -> str:
        from babel.dates import format_date  # noqa: PLC0415

        pattern = str(self.locale.date_formats[width].pattern)
        return self._first(format_date(day, pattern if year else _without_year(pattern), self.locale))

    def _first(self, text: str) -> str:
        first = self._words.get("first_of_month")
        return (re.sub(r"(?<!\d)1(?= [^\W\d])", first, text) if first else text).translate(_SPACES)

    def weekday(self, day: date) -> str:
        """Name the day of the week."""
        from babel.dates import format_date  # noqa: PLC0415

        return self._once("weekday", day, lambda: format_date(day, "EEEE", self.locale))

    def time(self, wall: datetime) -> str:
        """Write a wall time as `14:30` or `2:30 PM`."""
        from babel.dates import format_time  # noqa: PLC0415

        clock = wall.time()
        return self._once("time", clock, lambda: format_time(clock, "short", locale=self.locale).translate(_SPACES))

    def duration(self, minutes: int) -> str:
        """Write a length of time as `1 hour 30 minutes`; whole days as days from two on ("24 hours" is one night)."""
        days, rest = divmod(minutes, 24 * 60)
        if days < 2 or rest:  # noqa: PLR2004
            days, rest = 0, minutes
        hours, left = divmod(rest, 60)
        named = (("days", days), ("hours", hours), ("minutes", left))
        return " ".join(self.counted(unit, count) for unit, count in named if count)

    def money(self, price: Mapping[str, Any] | None) -> str | None:
        """Write an amount `{amount, currency}`."""
        from babel.numbers import format_currency  # noqa: PLC0415

        if not price:
            return None
        amount, currency = price["amount"], price["currency"]
        return self._once(
            "money",
            (amount, currency),
            lambda: format_currency(amount, currency, locale=self.locale).translate(_SPACES),
        )

    def joined(self, names: list[str]) -> str:
        """Join names as a sentence does."""
        from babel.lists import format_list  # noqa: PLC0415

        return format_list(names, locale=self.locale).translate(_SPACES)

    def status(self, status: str, own: Sequence[Status] = ()) -> str:
        """Label a status: the business's own label, ours, or the status as it is."""
        label = next((entry.label for entry in own if entry.key == status), {})
        for name in (str(self.locale).replace("_", "-"), self.locale.language):
            if name in label:
                return label[name]
        return next(iter(label.values()), None) or self._own.get("status", {}).get(status, status)

    def counted(self, what: str, count: int) -> str:
        """Count days, hours, minutes or appointments in the right form: `1 wizyta`, `2 wizyty`, `5 wizyt`."""
        return self._once(what, count, lambda: self._counted(what, count))

    def _counted(self, what: str, count: int) -> str:
        from babel.units import format_unit  # noqa: PLC0415

        forms = self._own.get(what)
        if forms is not None:
            return str(forms.get(self.locale.plural_form(count), forms["other"])).replace("{n}", str(count))
        if what == "appointments":
            return str(count)
        # Some units of some locales are missing in Babel, which then prints their key; the short form has them.
        unit = f"duration-{what[:-1]}"
        text = format_unit(count, unit, locale=self.locale)
        return (format_unit(count, unit, "short", locale=self.locale) if unit in text else text).translate(_SPACES)

    def near(self, day: date, today: date) -> str:
        """Name today and tomorrow; empty for any other day."""
        name = {0: "today", 1: "tomorrow"}.get((day - today).days)
        return self._words.get(name, "") if name else ""


def _without_year(pattern: str) -> str:
    """Take the year out of a CLDR date pattern, with what joins it (`, y`, `'de' y`, `y. `); keep it in the middle."""
    shorter = re.sub(r"(?:[,\s]|'[^']*'(?=\s*y))*[yr]+(?:\s*'[^']*'\.?|[^\w\s']*)\s*$", "", pattern)
    shorter = re.sub(r"^\s*[yr]+(?:\s*'[^']*'|[^\w\s']|[\u5e74\ub144])*\s*", "", shorter)
    return pattern if re.search("[yr]", re.sub(r"'[^']*'", "", shorter)) else shorter


@lru_cache(maxsize=64)
def formats(locale: str, country: str) -> Formats:
    """Give the formats of a locale; the country decides what a bare language leaves open (`en` in NL: 14:30)."""
    return Formats(locale, country)


def _babel(locale: str, country: str) -> "Locale":
    from babel import Locale, localedata  # noqa: PLC0415

    language, _, rest = locale.partition("-")
    general = {"en": "en_150" if country in _EUROPE.split() else "en_001"}.get(language, language)
    names = [locale.replace("-", "_")] if rest else []
    for name in (*names, f"{language}_{country}", general, language):
        if localedata.exists(name):
            return Locale.parse(name)
    return Locale.parse("en_150")
