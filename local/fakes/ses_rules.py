"""What SES refuses of a SendEmail although its shape is right.

Sources: botocore's service model (patterns and lengths), the developer guide (headers, tags, attachments), RFC 2047.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parseaddr
from typing import Any

_TAG = re.compile(r"[A-Za-z0-9_\-]{1,256}")
_SET = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.\-]+\.[A-Za-z0-9\-]+")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=")
_PRINTABLE = re.compile(r"[ -~]*")
_HEADER_NAME = re.compile(r"[!-9;-@A-~]{1,126}")
_HEADERS, _HEADER_VALUE, _HEADER = 15, 995, 996
_ENCODED_WORD_LENGTH = 75
_ADDRESS_LENGTH = 320
_RECIPIENTS = 50
_BYTES = 40 * 1024 * 1024
_FILE_NAME, _CONTENT_TYPE = 255, 78


def faults(request: Mapping[str, Any]) -> Iterator[str]:
    """Say everything that is wrong with a request, as an SDK or the wire has it (attachments as bytes or base64)."""
    yield from _tags(request.get("EmailTags", []))
    name = request.get("ConfigurationSetName")
    if name is not None and not _SET.fullmatch(name):
        yield f"Invalid configuration set name {name!r}"
    yield from _addresses(request)
    simple = request.get("Content", {}).get("Simple")
    if simple is not None:
        yield from _text("subject", simple.get("Subject", {}))
        if re.search(r"[\r\n]", simple.get("Subject", {}).get("Data", "")):
            yield "Invalid subject: it has line breaks"
        body = simple.get("Body", {})
        if not body:
            yield "A message needs a body"
        for part in ("Text", "Html"):
            yield from _text(part, body.get(part, {}))
        yield from _headers(simple.get("Headers", []))
        yield from _attachments(simple)


def _tags(tags: Sequence[Mapping[str, str]]) -> Iterator[str]:
    names = [tag["Name"] for tag in tags]
    for tag in tags:
        if not _TAG.fullmatch(tag["Name"]) or not _TAG.fullmatch(tag["Value"]):
            yield f"Invalid tag {tag['Name']!r}"
    if len(names) != len(set(names)):
        yield "Duplicate tag"


def _addresses(request: Mapping[str, Any]) -> Iterator[str]:
    if not parseaddr(request.get("FromEmailAddress", ""))[1]:
        yield "Missing or illegal FromEmailAddress"
    destination = request.get("Destination", {})
    recipients = [a for kind in ("ToAddresses", "CcAddresses", "BccAddresses") for a in destination.get(kind, [])]
    if not 1 <= len(recipients) <= _RECIPIENTS:
        yield f"Recipient count must be between 1 and {_RECIPIENTS}"
    for mailbox in [request.get("FromEmailAddress", ""), *recipients, *request.get("ReplyToAddresses", [])]:
        if not _PRINTABLE.fullmatch(mailbox):
            yield f"Illegal address {mailbox!r}: ASCII only, names in the form of RFC 2047"
        elif len(parseaddr(mailbox)[1]) > _ADDRESS_LENGTH or not _ADDRESS.fullmatch(parseaddr(mailbox)[1]):
            yield f"Illegal address {mailbox!r}"
        if any(len(word) > _ENCODED_WORD_LENGTH for word in _ENCODED_WORD.findall(mailbox)):
            yield f"Illegal address {mailbox!r}: a word of RFC 2047 has at most {_ENCODED_WORD_LENGTH} characters"


def _text(what: str, content: Mapping[str, str]) -> Iterator[str]:
    data, charset = content.get("Data", ""), content.get("Charset")
    if charset is None:
        if not data.isascii():
            yield f"The {what} needs a Charset"
        return
    try:
        data.encode(charset)
    except (LookupError, UnicodeEncodeError):
        yield f"The {what} is not in its Charset {charset!r}"


def _headers(headers: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if len(headers) > _HEADERS:
        yield f"At most {_HEADERS} headers"
    for header in headers:
        name, value = header["Name"], header["Value"]
        if not _HEADER_NAME.fullmatch(name):
            yield f"Invalid header name {name!r}"
        if not _PRINTABLE.fullmatch(value) or not 1 <= len(value) <= _HEADER_VALUE or len(name + value) > _HEADER:
            yield f"Invalid header value of {name!r}"


def _attachments(simple: Mapping[str, Any]) -> Iterator[str]:
    size = sum(len(simple.get("Body", {}).get(part, {}).get("Data", "").encode()) for part in ("Text", "Html"))
    for attachment in simple.get("Attachments", []):
        raw = attachment.get("RawContent", b"")
        try:
            size += len(base64.b64decode(raw, validate=True)) if isinstance(raw, str) else len(raw)
        except ValueError:
            yield "Invalid attachment: its content is not base64"
        name, kind = attachment.get("FileName", ""), attachment.get("ContentType", "x")
        if not 1 <= len(name) <= _FILE_NAME or re.search(r"[\x00-\x1f\x7f/\\]", name):
            yield f"Invalid file name {name!r}"
        if not 1 <= len(kind) <= _CONTENT_TYPE or not _PRINTABLE.fullmatch(kind):
            yield f"Invalid content type {kind!r}"
    # It counts as it travels, in base64.
    if size * 4 / 3 > _BYTES:
        yield "Message is too large"
