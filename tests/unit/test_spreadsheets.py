"""CSV that a spreadsheet opens without running anything in it."""

import csv
import io

import pytest

from carillon.runtime.http.spreadsheets import MARK, safe, write


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+31612345678",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\uff1dcmd|' /C calc'!A0",
        '=HYPERLINK("https://evil.example","click")',
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Anna", "a=b", "O'Brien", "2026-12-01 14:30:00", "'t Hof", "5-3"])
def test_everything_else_stays_as_it_is(cell: str) -> None:
    assert safe(cell) == cell


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert [safe(3), safe(0), safe(None)] == ["3", "0", ""]


def test_quotes_commas_and_line_breaks_come_back_as_they_were() -> None:
    row = ['Said "hello", and left', "two\nlines", "semi;colon", "Łódź"]
    text = write(["a", "b", "c", "d"], [row])
    assert text.startswith(MARK)
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text.removeprefix(MARK), newline=""))) == [["a", "b", "c", "d"], row]


def test_pages_put_together_are_one_file() -> None:
    whole = write(["n"], [[1], [2], [3]])
    assert write(["n"], [[1]]) + write(["n"], [[2], [3]], first=False) == whole
