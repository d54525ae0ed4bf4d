"""Files that go with an e-mail: names that are only names, types that are only types, and no programs."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.attachments import MAX_NAME, check_type, content_of, file_name
from carillon.domain.errors import InvalidValue


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("factuur.pdf", "factuur.pdf"),
        ("C:\\Users\\eva\\Bureau\\factuur.pdf", "factuur.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("Rechnung  für\u200b Żółć.pdf", "Rechnung für Żółć.pdf"),
        ("cafe\u0301.png", "café.png"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        ("photo\u202egpj.exe.jpg", "photogpj.exe.jpg"),
        (" .hidden.pdf. ", "hidden.pdf"),
        ("报价.PDF", "报价.PDF"),
    ],
)
def test_of_a_name_only_the_name_is_left(sent: str, seen: str) -> None:
    assert file_name(sent) == seen


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "a/",
        "...",
        "no-extension",
        "two\r\nBcc: x@example.com.pdf",
        "nul\x00.pdf",
        "half\ud800.pdf",
        "x" * MAX_NAME + ".pdf",
        "setup.exe",
        "Setup.EXE",
        "invoice.pdf.js",
        "report.docm",
        "a.lnk ",
        "a.exe.",
        "x.p d f",
    ],
)
def test_a_name_that_is_none_or_that_of_a_program_is_refused(sent: str) -> None:
    with pytest.raises(InvalidValue):
        file_name(sent)


@given(st.text(max_size=200))
def test_no_name_can_end_a_header_or_leave_its_folder(sent: str) -> None:
    try:
        name = file_name(sent)
    except InvalidValue:
        return
    assert name == name.strip()
    assert not set(name) & set('\r\n\0/\\"<>')
    assert name.isprintable()
    assert file_name(name) == name


@pytest.mark.parametrize("good", ["application/pdf", "image/svg+xml", "text/plain; charset=utf-8", "application/x-7z"])
def test_types_of_documents_are_taken(good: str) -> None:
    check_type(good)


@pytest.mark.parametrize(
    "bad",
    [
        "pdf",
        "",
        "text/html\r\nX: y",
        "a/b; name=x.exe",
        "application/" + "x" * 80,
        "application/x-msdownload",
        "application/JavaScript",
        "message/rfc822",
        "multipart/mixed; charset=x",
    ],
)
def test_types_of_programs_and_what_is_no_type_are_refused(bad: str) -> None:
    with pytest.raises(InvalidValue):
        check_type(bad)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_content_is_decoded() -> None:
    assert content_of(encoded(b"%PDF-1.7")) == b"%PDF-1.7"
    # A text that begins with MZ is no program.
    assert content_of(encoded(b"MZ is short for Mozambique" * 9)).startswith(b"MZ")


@pytest.mark.parametrize("bad", ["", "****", "YQ", "YQ==\n", "é", "YQ=="[:3]])
def test_what_is_not_base64_or_holds_nothing_is_refused(bad: str) -> None:
    with pytest.raises(InvalidValue):
        content_of(bad)


def test_a_program_is_refused_whatever_it_is_called() -> None:
    windows = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0"
    for program in (windows, b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe\x07"):
        with pytest.raises(InvalidValue, match="program"):
            content_of(encoded(program))
