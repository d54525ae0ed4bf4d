"""CSV files as they really come: what is read, and what is refused with its line, column and reason."""

from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from tools.importing import cells
from tools.importing.building import Account
from tools.importing.checking import Checked, check
from tools.importing.dates import order_of, read_date, read_moment, read_time
from tools.importing.faults import FileError
from tools.importing.mapping import Mapping, load
from tools.importing.reading import clean, parse

EXAMPLES = Path(__file__).parents[2] / "examples"
ACCOUNT = Account("NL", "Europe/Amsterdam")
HEAD = "id,first_name,phone\n"


def checked(text: str, mapping: Mapping | None = None, **account: Any) -> Checked:
    sheet, how = parse(text.encode()), mapping or Mapping()
    return check(sheet, how.of(sheet.columns, None), how, Account("NL", "Europe/Amsterdam", **account))


def told(text: str, mapping: Mapping | None = None) -> list[tuple[int, str]]:
    return [(bad.line, bad.column) for bad in checked(text, mapping).bad]


# --- The file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1250"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_file_is_read_however_it_was_saved(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["id", "first_name"]) + "\r\n" + delimiter.join(["1", "Łukasz"]) + "\r\n"
    needs_a_word = encoding in ("cp1250", "utf-16-le")
    sheet = parse(text.encode(encoding), encoding if needs_a_word else None)
    assert [row.cells for row in sheet.rows] == [{"id": "1", "first_name": "Łukasz"}]


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("id,first_name\n1,Łukasz\n".encode("cp1250"), "line 2 is not utf-8"),
        ("id,first_name\n".encode("utf-16-le"), "NUL"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"", "empty"),
        (b"\n\n ,\n", "empty"),
        (b"id,id\n1,2\n", "twice: id"),
        (b'id,first_name\n1,"Anna\n2,Ben\n', "line 2"),
        (b"a;b,c\n", "--delimiter"),
    ],
    ids=["cp1250", "utf-16", "xlsx", "empty", "blank", "twice", "quote", "two delimiters"],
)
def test_a_file_that_can_not_be_read_says_what_to_do(data: bytes, hint: str) -> None:
    with pytest.raises(FileError, match=hint):
        parse(data)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    sheet = parse(b'sep=;\r\nid;name\r\n\r\n1;"two\r\nlines"\r\n;;\r\n2;Ben;;\r\n3;Cas;extra\r\n4\r\n')
    assert [(row.line, row.cells["id"]) for row in sheet.rows] == [(4, "1"), (7, "2"), (9, "4")]
    assert [(bad.line, bad.column) for bad in sheet.bad] == [(8, "")]


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("\u00a0 Anna \u200b", "Anna"),
        ('="+31612345678"', "+31612345678"),
        ("'+31612345678", "+31612345678"),
        ("'0612345678", "0612345678"),
        ("'t Hof", "'t Hof"),
        ('="say ""hi"""', 'say "hi"'),
    ],
)
def test_what_spreadsheets_put_round_a_value_is_taken_off(cell: str, meant: str) -> None:
    assert clean(cell) == meant


# --- Cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2026-12-01", None, date(2026, 12, 1)),
        ("2026/1/5", None, date(2026, 1, 5)),
        ("1.12.2026", None, date(2026, 12, 1)),
        ("01/12/2026", "day-first", date(2026, 12, 1)),
        ("01/12/2026", "month-first", date(2026, 1, 12)),
        ("05-05-2026", None, date(2026, 5, 5)),
    ],
)
def test_a_date_is_read_where_it_can_be_read_in_one_way(text: str, order: Any, day: date) -> None:
    assert read_date(text, order) == day


@pytest.mark.parametrize("text", ["01/12/2026", "1-2-26", "31.02.2026", "46000", "46000.5", "tomorrow", "13/13/2026"])
def test_a_date_that_may_be_two_or_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|day"):
        read_date(text, None)


def test_the_order_of_a_file_is_told_by_the_dates_that_only_it_allows() -> None:
    assert order_of(["01/02/2026 10:00", "25/02/2026"]) == "day-first"
    assert order_of(["01/02/2026", "02/25/2026"]) == "month-first"
    assert order_of(["25/02/2026", "02/25/2026"]) is None
    assert order_of(["01/02/2026", "2026-02-25", "25.12.2026"]) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [("9:05", time(9, 5)), ("14h30", time(14, 30)), ("2:30 PM", time(14, 30)), ("12:10 a.m.", time(0, 10))],
)
def test_a_time_of_day_is_read(text: str, at: time) -> None:
    assert read_time(text) == at


@pytest.mark.parametrize("text", ["25:00", "9", "14:30 PM", "noon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        read_time(text)


def test_a_moment_keeps_its_offset_and_needs_a_time() -> None:
    assert read_moment("2026-12-01T14:30:00+01:00", None) == "2026-12-01T14:30:00+01:00"
    assert read_moment("1.12.2026, 14:30", None) == "2026-12-01T14:30:00"
    with pytest.raises(ValueError, match="time"):
        read_moment("2026-12-01", None)


@pytest.mark.parametrize(
    ("text", "value"), [("45", 45.0), ("45,5", 45.5), ("€ 1.234,50", 1234.5), ("1,234.50", 1234.5), ("12 EUR", 12.0)]
)
def test_amounts_are_read_with_commas_and_points(text: str, value: float) -> None:
    assert cells.amount(text) == value


def test_consent_is_yes_no_or_channels() -> None:
    assert cells.grants("SMS; email") == {"sms": True, "email": True}
    assert set(cells.grants("ja")) == {"email", "sms", "whatsapp", "viber"}
    assert not any(cells.grants("nie").values())
    with pytest.raises(ValueError, match="channels"):
        cells.grants("letter")


# --- Lines ------------------------------------------------------------------------------------------------------------


def test_every_bad_line_is_named_with_its_column_at_once() -> None:
    text = (
        "id,first_name,phone,email,service_consent,marketing_consent,consent_at\n"
        "1,Anna,0612345678,,yes,,\n"
        "2,,0687654321,,,,\n"
        "has space,Ben,12,not-an-address,letter,,\n"
        "4,Cas,3.16E+10,,,,31/31/2026\n"
        "5,Dora,,,,email,\n"
        "1,Eva,,,,,\n"
        "7,Fay,+31 6 12345678,,,,\n"
    )
    assert told(text) == [
        (3, "first_name"),
        (4, "email"),
        (4, "id"),
        (4, "phone"),
        (4, "service_consent"),
        (5, "phone"),
        (6, "consent_wording"),
        (7, "id"),
        (8, "phone"),
    ]
    assert [made.line for made in checked(text).good] == [2]


def test_reasons_hold_no_data() -> None:
    text = "id,first_name,phone,email\nsecret id,Anna,06-secret,secret at example\n"
    assert not [bad for bad in checked(text).bad if "secret" in str(bad)]


def test_who_shares_a_contact_must_say_so() -> None:
    line = "id,first_name,phone,allow_shared_contact\n1,Anna,0612345678,{}\n2,Ben,+31612345678,{}\n"
    assert told(line.format("", "")) == [(3, "phone")]
    assert told(line.format("", "yes")) == told(line.format("ja", "")) == []
    assert checked(line.format("", ""), guarded=False).bad == []


def test_lines_without_ids_are_the_same_thing_every_time() -> None:
    text = "name,phone\nAnna de Vries,06 12345678\nBen,\n"
    first, second = checked(text).good, checked(text.replace("06 12345678", "+31612345678")).good
    assert [made.item["id"] for made in first] == [made.item["id"] for made in second]
    assert (first[0].item["first_name"], first[0].item["last_name"]) == ("Anna", "de Vries")
    assert told(text + "Ben,\n") == [(4, "")]


APPOINTMENTS = "id,client_id,date,time,end_time,status,price,currency\n"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("1,c,25/12/2026,10:00,10:30,,,", None),
        ("1,,25/12/2026,10:00,10:30,,,", "client_id"),
        ("1,c,05/12/2026,10:00,10:30,,,", "date"),
        ("1,c,25/12/2026,,10:30,,,", "date"),
        ("1,c,25/12/2026,10:00,,,,", "duration_minutes"),
        ("1,c,25/12/2026,23:30,00:15,,,", None),
        ("1,c,25/12/2026,10:00,10:30,maybe,,", "status"),
        ("1,c,25/12/2026,10:00,10:30,No-show,,", None),
        ('1,c,25/12/2026,10:00,10:30,,"12,50",', "price"),
        ('1,c,25/12/2026,10:00,10:30,,"12,50",eur', None),
        ("1,c,25/12/2026,10:00,10:30,,free,EUR", "price"),
    ],
)
def test_an_appointment_is_put_together_from_what_there_is(line: str, column: str | None) -> None:
    found = checked(APPOINTMENTS + line + "\n")
    assert [bad.column for bad in found.bad] == ([] if column is None else [column])
    for made in found.good:
        assert made.item["notify"] is False
        assert made.item["duration_minutes"] in (30, 45)


def test_a_file_that_writes_dates_in_one_order_only_needs_no_word_for_it() -> None:
    line = "1,c,05/12/2026,10:00,10:30,,,\n"
    assert told(APPOINTMENTS + line) == [(2, "date")]
    assert told(APPOINTMENTS + line + "2,c,25/12/2026,10:00,10:30,,,\n") == []
    assert told(APPOINTMENTS + line, Mapping(dates="month-first")) == []


def test_the_examples_are_good(tmp_path: Path) -> None:
    clients = (EXAMPLES / "import-clients.csv").read_text("utf-8")
    assert (checked(clients).bad, len(checked(clients).good)) == ([], 5)
    mapping = load(EXAMPLES / "import-appointments.toml")
    found = checked((EXAMPLES / "import-appointments.csv").read_text("utf-8"), mapping)
    assert found.bad == []
    assert [made.item["status"] for made in found.good] == ["completed", "no_show", "booked", "booked", "cancelled"]
    assert found.good[0].item["price"] == {"amount": 32.5, "currency": "EUR"}
    assert found.good[0].item["fields"] == {"room": "1"}
    for text, hint in (
        ("[colums]\nid = 'x'\n", "colums"),
        ("not toml", "no mapping"),
        ("[file]\nkind = 'orders'\n", "clients or appointments"),
    ):
        (tmp_path / "m.toml").write_text(text)
        with pytest.raises(FileError, match=hint):
            load(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("columns", "mapping", "hint"),
    [
        (["colour"], Mapping(), "map the columns"),
        (["Voornaam"], Mapping(columns={"first_name": "Naam"}), "doesn't have: Naam"),
        (["Voornaam"], Mapping(columns={"given_name": "Voornaam"}, kind="clients"), "given_name"),
    ],
)
def test_a_mapping_that_fits_no_column_is_refused(columns: list[str], mapping: Mapping, hint: str) -> None:
    with pytest.raises(FileError, match=hint):
        mapping.of(columns, None)
