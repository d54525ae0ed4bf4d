"""Compiles a template once and runs it with values, within its budget of steps and text."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError

from carillon.adapters.rendering.sandbox import MAX_OUTPUT, Budget, Environment, TooMuch, context_of
from carillon.ports.delivery import RenderingFailed

_FAILURES = (
    TemplateError,
    TooMuch,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


@lru_cache(maxsize=2)
def environment(*, html: bool) -> Environment:
    """Give the environment for plain text or for HTML (where every value is escaped)."""
    return Environment(html=html)


@lru_cache(maxsize=256)
def _compiled(source: str, *, html: bool) -> Template:
    # Kept by content: a text that is edited is another text.
    return environment(html=html).from_string(source)


def run(source: str, values: Mapping[str, Any], *, html: bool) -> str:
    """Render a template; raises RenderingFailed when these values don't fit it or it takes too much."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in _compiled(source, html=html).generate(context_of(values, Budget())):
            size += len(piece)
            if size > MAX_OUTPUT:
                raise TooMuch(f"makes more than {MAX_OUTPUT} characters")
            pieces.append(piece)
    except _FAILURES as error:
        raise RenderingFailed(f"{type(error).__name__}: {error}"[:300]) from error
    return "".join(pieces)
