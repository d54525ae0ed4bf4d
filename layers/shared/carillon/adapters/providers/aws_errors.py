"""What went wrong in one call to an AWS service that sends: before it was taken, for good, or who knows."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from carillon.ports.delivery import Outcome

NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError)
SERVER_FAULT = 500


def outcome_of(
    error: BotoCoreError | ClientError,
    *,
    permanent: dict[str, str],
    misconfigured: frozenset[str],
    retry: frozenset[str],
) -> Outcome:
    """Read an error: `permanent` maps codes to the contract's reasons, the others are sets of codes.

    A code that nobody listed is permanent when the service blames the request, and unknown when it blames itself: a
    5xx does not say whether the message was taken.
    """
    if isinstance(error, ParamValidationError):
        return Outcome("permanent", reason="content_rejected", code="ParamValidation")
    if isinstance(error, NEVER_SENT):
        return Outcome("retry", code=type(error).__name__)
    if not isinstance(error, ClientError):
        reason = "provider_timeout" if "Timeout" in type(error).__name__ else "connection_lost"
        return Outcome("unknown", reason=reason, code=type(error).__name__)
    code = error.response["Error"]["Code"]
    if code in retry:
        return Outcome("retry", code=code)
    if code in misconfigured:
        return Outcome("misconfigured", code=code)
    if code in permanent:
        return Outcome("permanent", reason=permanent[code], code=code)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= SERVER_FAULT:
        return Outcome("unknown", reason="provider_5xx", code=code)
    return Outcome("permanent", reason="provider_error", code=code)
