"""Files that go with an e-mail: what may, under which name, and where they are kept until they have gone."""

import base64
import binascii
import re
import unicodedata

from carillon.domain.constraints import BIDI_CONTROLS, document
from carillon.domain.errors import InvalidValue

MAX_FILES = 10
MAX_BYTES = 3 * 1024 * 1024
"""Of all files of a message together, decoded."""
MAX_NAME = 120
"""Characters of a file's name; SES takes 255 bytes, and a character may be four of them in its encoding."""
KEPT_DAYS = 7

_PART = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}"
CONTENT_TYPE = rf"{_PART}/{_PART}(?:; ?charset=[A-Za-z0-9_.:+-]{{1,20}})?"
MAX_TYPE = 78
_EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,16}")
_INVISIBLE = BIDI_CONTROLS | frozenset("\u200b\u2060\ufeff\u00ad")
_FORBIDDEN = re.compile(r'["<>|:*?]')

_REFUSED_BY_SES = """
ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk mad
maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi msp mst
ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss
vst vsw vxd ws wsc wsf wsh xnk
"""
_RUN_JUST_AS_WELL = """
apk appimage appx bash cjs deb desktop dll dmg docm dotm elf img iqy iso jar jnlp mjs msix pkg ppam pptm py pyc pyz rpm
sh sldm so vhd vhdx xlam xll xlsm xltm zsh
"""
REFUSED_EXTENSIONS = frozenset(f"{_REFUSED_BY_SES} {_RUN_JUST_AS_WELL}".split())
_REFUSED_TYPES = re.compile(
    r"(?:multipart|message)/.*"
    r"|application/(?:x-msdownload|x-msdos-program|x-dosexec|x-executable|x-elf|x-mach-binary|x-sharedlib|hta|x-sh|x-csh"
    r"|x-bat|x-msi|x-ms-installer|java-archive|x-java-archive|x-ms-shortcut|(?:x-)?javascript|ecmascript"
    r"|vnd\.android\.package-archive|vnd\.microsoft\.portable-executable)"
    r"|text/(?:(?:x-)?javascript|ecmascript|vbscript|x-sh|x-shellscript)",
    re.IGNORECASE,
)
_PE_AT, _PE_END = 0x3C, 0x40
_PROGRAMS = (b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")


@document
class StoredFile:
    """A file as it is kept until it has gone with its message: `place` is where."""

    filename: str
    content_type: str
    size: int
    place: str


def file_name(given: str) -> str:
    """Give the name that people will see: without a path, in one spelling; raises InvalidValue.

    Some programs send the whole path of a file, so the last part of one counts. What would end a header, or reads
    backwards, or stands for something in a file system, is refused or left out.
    """
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in given):
        raise InvalidValue("must not contain control characters")
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    kept = "".join(char for char in last if char not in _INVISIBLE)
    name = _FORBIDDEN.sub("_", " ".join(kept.split())).strip(" .")
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidValue(f"must have 1 to {MAX_NAME} characters after its path")
    extension = name.rpartition(".")[2]
    if "." not in name or _EXTENSION.fullmatch(extension) is None:
        raise InvalidValue("must end in an extension such as .pdf")
    if extension.lower() in REFUSED_EXTENSIONS:
        raise InvalidValue(f"must not be a program or script, as .{extension.lower()} is")
    return name


def check_type(given: str) -> None:
    """Check a content type; raises InvalidValue."""
    if len(given) > MAX_TYPE or re.fullmatch(CONTENT_TYPE, given) is None:
        raise InvalidValue("must be a content type such as application/pdf")
    if _REFUSED_TYPES.fullmatch(given.partition(";")[0]):
        raise InvalidValue("must not be the type of a program, a script or a whole message")


def content_of(encoded: str) -> bytes:
    """Decode a file's content; raises InvalidValue for what is not base64, is empty, or is a program."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValue("must be base64") from error
    if not content:
        raise InvalidValue("must not be empty")
    if content.startswith(_PROGRAMS) or _is_windows_program(content):
        raise InvalidValue("must not be a program")
    return content


def _is_windows_program(content: bytes) -> bool:
    """Whether it is a portable executable: `MZ`, and `PE` where its header says so. A text may begin with MZ."""
    if not content.startswith(b"MZ") or len(content) < _PE_END:
        return False
    at = int.from_bytes(content[_PE_AT:_PE_END], "little")
    return content[at : at + 4] == b"PE\0\0"
