"""CSV as spreadsheets and booking systems really write it: byte-order marks, semicolons, `sep=`, guarded cells."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.importing.faults import BadLine, FileError

DELIMITERS = ",;\t|"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
LONGEST_CELL = 100_000
_INVISIBLE = " \t\r\n\u00a0\u200b\u200e\u200f\ufeff"
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)


@dataclass(frozen=True)
class Row:
    """A line of data: where it begins in the file (from 1), and its cells by the names of their columns."""

    line: int
    cells: dict[str, str]


@dataclass
class Sheet:
    """What a file holds. `digest` is of its bytes."""

    columns: list[str]
    rows: list[Row]
    bad: list[BadLine] = field(default_factory=list)
    digest: str = ""


def read(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Sheet:
    """Read a file; raises FileError when it is no CSV, or when it can't be told how it is written."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}") from error
    sheet = parse(data, encoding, delimiter)
    sheet.digest = hashlib.sha256(data).hexdigest()
    return sheet


def parse(data: bytes, encoding: str | None = None, delimiter: str | None = None) -> Sheet:
    """Read the bytes of a file."""
    text, skipped = decode(data, encoding), 0
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"sep=(.)\s*", first.strip("\r"), re.IGNORECASE)
    if told is not None:
        text, skipped, delimiter = rest, 1, delimiter or told[1]
    return _sheet(text, delimiter or _delimiter(text), skipped)


def decode(data: bytes, encoding: str | None = None) -> str:
    """Decode; what is no UTF-8 and has no mark isn't guessed at, because a wrong guess spoils names silently."""
    if data.startswith(b"PK\x03\x04"):
        raise FileError("this is an Excel workbook; save it as CSV UTF-8 (comma delimited)")
    name = encoding or next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(name)
    except LookupError as error:
        raise FileError(f"{name} is no encoding that is known") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        hint = "say which with --encoding: cp1252 for Western Europe, cp1250 for Poland, as older Excel writes it"
        raise FileError(f"line {line} is not {name}; {hint}") from error
    if "\x00" in text:
        raise FileError("the file holds NUL characters; if it is UTF-16 without a mark, say --encoding utf-16-le")
    return text


def clean(cell: str) -> str:
    """Take off what spreadsheets put round a value: blanks, `="…"`, the apostrophe in front of a formula."""
    text = cell.strip(_INVISIBLE)
    guarded = _FORMULA.fullmatch(text)
    if guarded is not None:
        text = guarded[1].replace('""', '"').strip(_INVISIBLE)
    if (text.startswith("'") and text[1:2] in ("=", "+", "-", "@")) or re.fullmatch(r"'\d+", text):
        text = text[1:]
    return text


def _delimiter(text: str) -> str:
    """Find the delimiter by which the line of names has the most columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    widths = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in DELIMITERS}
    widest = max(widths.values())
    found = [mark for mark, width in widths.items() if width == widest]
    if widest > 1 and len(found) > 1:
        raise FileError("the columns may be parted by more than one sign; say which with --delimiter")
    return found[0]


def _lines(text: str, delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Give each line of cells with the line of the file that it begins on."""
    csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = skipped + 1
    try:
        for cells in lines:
            yield begin, [clean(cell) for cell in cells]
            begin = skipped + lines.line_num + 1
    except csv.Error as error:
        raise FileError(f"line {begin}: {error}; a quote that opens there may never close") from error


def _sheet(text: str, delimiter: str, skipped: int) -> Sheet:
    sheet = Sheet([], [])
    for line, cells in _lines(text, delimiter, skipped):
        if not any(cells):
            continue
        if not sheet.columns:
            sheet.columns = _names(cells)
        elif len(cells) > len(sheet.columns) and any(cells[len(sheet.columns) :]):
            told = f"has {len(cells)} cells, but there are {len(sheet.columns)} columns; quote cells with the delimiter"
            sheet.bad.append(BadLine(line, "", told))
        else:
            padded = cells + [""] * (len(sheet.columns) - len(cells))
            sheet.rows.append(Row(line, dict(zip(sheet.columns, padded, strict=False))))
    if not sheet.columns:
        raise FileError("the file is empty")
    return sheet


def _names(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    names = [cell or f"(column {place})" for place, cell in enumerate(cells, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileError(f"columns must have different names; twice: {', '.join(twice)}")
    return names
