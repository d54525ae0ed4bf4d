"""Structured logs without personal data or secrets.

Every entry passes `scrub`: values under telling names are dropped, and what looks like an address, a phone number or a
key is masked wherever it stands. Ids (request, organization, message, record) are written as keys of the entry.
"""

import re
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

REDACTED = "<redacted>"
PRIVATE_KEYS = frozenset({
    "address", "api_key", "attachments", "auth_token", "authorization", "body", "checkout_url", "company",
    "contact", "contacts", "content", "cookie", "email", "emails", "first_name", "from_address", "full_name",
    "headers", "html", "last_name", "mobile", "name", "password", "payload", "phone", "phones", "recipient",
    "secret", "signing_key", "subject", "text", "to", "token", "user", "vat_id", "wording",
})  # fmt: skip
"""Names whose value is never logged, at any depth of an entry."""
_PATTERNS = (
    (re.compile(r"crl_(?:live|test)_\S+"), "<key>"),
    (re.compile(r"(?i)bearer\s+\S+"), "<key>"),
    (re.compile(r"\b(?:[rs]k_(?:live|test)|whsec)_\S+"), "<key>"),
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "<email>"),
    (re.compile(r"(?<![\w.+-])(?:\+[1-9]|0)\d[\d ()./-]{5,16}\d(?![\w-])"), "<phone>"),
)
_KEPT = frozenset({"timestamp", "xray_trace_id", "location", "level", "service", "cold_start"})


def scrub(value: Any) -> Any:
    """Copy data for the log with private values dropped and addresses, phones and keys masked in strings."""
    if isinstance(value, dict):
        return {key: REDACTED if key in PRIVATE_KEYS and item else scrub(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    for pattern, mask in _PATTERNS:
        text = pattern.sub(mask, text)
    return text


class ScrubbingFormatter(LambdaPowertoolsFormatter):
    """Writes each entry as one line of JSON, scrubbed."""

    def serialize(self, log: Any) -> str:
        """Write an entry."""
        kept = {key: item for key, item in log.items() if key in _KEPT}
        return super().serialize(log=scrub({key: item for key, item in log.items() if key not in _KEPT}) | kept)


@lru_cache(maxsize=1)
def logger() -> Logger:
    """Give the process's logger; its level and service come from LOG_LEVEL and POWERTOOLS_SERVICE_NAME."""
    return Logger(logger_formatter=ScrubbingFormatter(use_rfc3339=True, serialize_stacktrace=False))
