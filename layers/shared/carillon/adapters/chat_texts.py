"""What a bot says about linking a chat, per language, beside the built-in texts."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from carillon.domain.templates import built_in_locale

TEXTS = Path(__file__).parents[1] / "texts"


def chat_text(name: str, locales: Sequence[str], organization: str) -> str:
    """Give a text in the first language that has one, else in English; the organization's name is data in it."""
    language = next((found for locale in locales if (found := built_in_locale(locale))), "en")
    return _read(language)[name].replace("{organization}", organization)


@lru_cache(maxsize=8)
def _read(language: str) -> Mapping[str, str]:
    return tomllib.loads((TEXTS / language / "_chats.toml").read_text("utf-8"))
