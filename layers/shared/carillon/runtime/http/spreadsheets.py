"""CSV that spreadsheets open as what it says: RFC 4180, UTF-8 with its mark, and no cell that is run as a formula.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line break would be a formula to Excel, LibreOffice and Google
Sheets, and so a way for a client's name to run something on the reader's machine. Such a cell gets an apostrophe in
front (OWASP, CSV Injection), phone numbers too: they begin with a plus.
"""

import csv
import io
from collections.abc import Iterable, Sequence

CONTENT_TYPE = "text/csv; charset=utf-8"
MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's old code page."""
_RISKY = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""The last four are the first as some keyboards of East Asia write them; Excel takes them for the same."""

Cell = str | int | None


def write(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, first: bool = True) -> str:
    """Write rows, each cell in quotes; the first page of several has the mark and the columns' names."""
    text = io.StringIO()
    if first:
        text.write(MARK)
    lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    if first:
        lines.writerow(columns)
    lines.writerows([[safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def safe(cell: Cell) -> str:
    """Write a cell so that no spreadsheet takes it for a formula; numbers of ours stay numbers."""
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(_RISKY) else cell
