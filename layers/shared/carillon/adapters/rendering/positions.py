"""Line and column of everything in a template: Jinja itself knows lines only.

Its tokens and nodes carry a line number through to errors; here that number is an `int` that remembers its column.
"""

from collections.abc import Iterator
from typing import Self

from jinja2 import Environment as JinjaEnvironment
from jinja2 import TemplateSyntaxError
from jinja2.lexer import TokenStream


class Position(int):
    """A line number that knows the column, both counted from 1."""

    column: int

    def __new__(cls, line: int, column: int) -> Self:
        """Make the line number `line` at `column`."""
        self = super().__new__(cls, line)
        self.column = column
        return self


def column_of(line: int) -> int:
    """The column of a line number, 1 if it doesn't know one."""
    return getattr(line, "column", 1)


class Positioned(JinjaEnvironment):
    """An environment whose tokens know their column."""

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        located = _located(self.lexer.tokeniter(source, name, filename, state), source)
        # All at once: a parser that gives up on deep nesting must not leave a generator half way.
        return TokenStream(iter(list(self.lexer.wrap(located, name, filename))), name, filename)


def _located(tokens: Iterator[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    offset = 0
    try:
        for line, token, value in tokens:
            # Whitespace that a tag strips is missing from the tokens, so look for the value instead of adding lengths.
            found = text.find(value, offset)
            start = offset if found < 0 else found
            yield Position(line, start - text.rfind("\n", 0, start)), token, value
            offset = start + len(value)
    except TemplateSyntaxError as error:
        # The lexer stops where the last token ended, as far as that is on the line it names.
        same_line = error.lineno == text.count("\n", 0, offset) + 1
        error.lineno = Position(error.lineno, offset - text.rfind("\n", 0, offset) if same_line else 1)
        raise
