"""What people read of the catalog, per language: one table of labels beside the built-in texts."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from carillon.domain.templates import built_in_locale

TEXTS = Path(__file__).parents[1] / "texts"


class FileLabels:
    """See the port `Labels`."""

    def of(self, locale: str) -> tuple[str, Mapping[str, Mapping[str, str]]]:
        """Give the labels in the language of `locale`, or in English, and which of the languages that is."""
        language = built_in_locale(locale) or "en"
        return language, _read(language)


@lru_cache(maxsize=8)
def _read(language: str) -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((TEXTS / language / "_catalog.toml").read_text("utf-8"))
