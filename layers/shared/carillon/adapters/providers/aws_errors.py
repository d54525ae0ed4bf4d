"""What went wrong in one call to an AWS service that sends: before it was taken, for good, or who knows."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

from carillon.ports.delivery import Outcome

UNREADABLE = (AttributeError, KeyError, ResponseParserError, TypeError, ValueError)
"""What botocore's parsers raise for an answer that is none of AWS's, whatever its status."""
FAILURES = (BotoCoreError, ClientError, *UNREADABLE)
"""Everything that a call may raise for what happened outside of this process; make the request before, not within."""
NEVER_SENT = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)
THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes that every service has for too much at once."""
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""The function's own credentials ran out in between; Lambda has new ones."""
UNAUTHORIZED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes that every service has for a caller it doesn't let in."""
TOO_MANY = 429
SERVER_FAULT = 500


class Text(NamedTuple):
    """An error whose code means several things: what its message says (a pattern, any case) tells which."""

    code: str
    says: str
    outcome: Outcome


def outcome_of(
    error: Exception,
    *,
    permanent: dict[str, str],
    misconfigured: frozenset[str],
    retry: frozenset[str] = frozenset(),
    texts: Sequence[Text] = (),
) -> Outcome:
    """Read an error: `permanent` maps codes to the contract's reasons, `texts` are looked at first.

    A code that nobody listed is permanent when the service blames the request, and unknown when it blames itself: a
    5xx does not say whether the message was taken.
    """
    if isinstance(error, ParamValidationError):
        return Outcome("permanent", reason="content_rejected", code="ParamValidation")
    if isinstance(error, NEVER_SENT):
        return Outcome("retry", code=type(error).__name__)
    if not isinstance(error, BotoCoreError | ClientError):
        # It may well have been taken.
        return Outcome("unknown", reason="connection_lost", code="unreadable_answer")
    if isinstance(error, BotoCoreError):
        reason = "provider_timeout" if "Timeout" in type(error).__name__ else "connection_lost"
        return Outcome("unknown", reason=reason, code=type(error).__name__)
    code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    for text in texts:
        if text.code == code and re.search(text.says, said, re.IGNORECASE):
            return text.outcome
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _listed(code, status, permanent, misconfigured | UNAUTHORIZED, retry | THROTTLED | EXPIRED)


def _listed(
    code: str, status: int, permanent: dict[str, str], misconfigured: frozenset[str], retry: frozenset[str]
) -> Outcome:
    if code in retry or status == TOO_MANY:
        return Outcome("retry", code=code)
    if code in misconfigured:
        return Outcome("misconfigured", code=code)
    if code in permanent:
        return Outcome("permanent", reason=permanent[code], code=code)
    if status >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=code)
    return Outcome("permanent", reason="provider_error", code=code)
