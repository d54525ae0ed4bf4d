"""The errors that a caller can cause or must know about.

```
CarillonError
├── Refused                 the request is understood and not granted (code, HTTP status)
│   ├── NotFound            404
│   ├── Conflict            409
│   ├── Forbidden           403
│   ├── PreconditionFailed  412, 428
│   ├── Invalid             422, with one Fault per mistake
│   └── Unavailable         503: somebody else's service could not be asked
├── Contended               too many concurrent writers; the caller may repeat
└── InvalidValue            one value breaks its rule (a ValueError, so validators may raise it)
```
"""

from collections.abc import Sequence
from typing import Literal, get_args

from carillon.domain.values import value

Code = Literal[
    "address_bounced",
    "attachments_too_large",
    "billing_details_missing",
    "body_too_large",
    "busy",
    "channel_not_configurable",
    "channel_not_connected",
    "channel_refused",
    "consent_missing",
    "duplicate_client",
    "duplicate_key",
    "has_upcoming",
    "idempotency_in_progress",
    "idempotency_key_reused",
    "if_match_required",
    "internal_error",
    "invalid_cursor",
    "invalid_input",
    "invalid_json",
    "invalid_value",
    "method_not_allowed",
    "missing_field",
    "no_address",
    "not_found",
    "notifications_inactive",
    "opted_out",
    "organization_exists",
    "payments_not_connected",
    "provider_unreachable",
    "quota_exhausted",
    "rate_limited",
    "read_only",
    "role_not_allowed",
    "role_too_high",
    "signature_invalid",
    "template_invalid",
    "template_not_supported",
    "too_many",
    "unknown_field",
    "unknown_reference",
    "unsupported_media_type",
    "version_conflict",
    "whatsapp_window_closed",
]
"""The closed list of problem codes, as published in the OpenAPI document."""

CODES: tuple[str, ...] = get_args(Code)


class CarillonError(Exception):
    """Base of every error this package raises on purpose."""


@value
class Fault:
    """One mistake in the input: where (JSON pointer), which code, and what to do in words.

    `line` and `column` (from 1) say where in a template's text.
    """

    pointer: str
    code: Code
    message: str
    line: int | None = None
    column: int | None = None


class Refused(CarillonError):
    """The request is understood and not granted; `code` and `status` say how the door answers."""

    status = 400

    def __init__(self, code: Code, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)


class NotFound(Refused):
    """The thing named by the path does not exist in the caller's organization."""

    status = 404

    def __init__(self, detail: str, code: Code = "not_found") -> None:
        super().__init__(code, detail)


class Conflict(Refused):
    """The state of the organization forbids it."""

    status = 409


class Forbidden(Refused):
    """The caller's role, or the organization's state, does not allow it."""

    status = 403


class PreconditionFailed(Refused):
    """`If-Match` is missing (428) or names another version than the stored one (412)."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(code, detail)
        self.status = 428 if code == "if_match_required" else 412


class Invalid(Refused):
    """The input breaks one or more rules; nothing was saved."""

    status = 422

    def __init__(self, faults: Sequence[Fault], detail: str = "", code: Code = "invalid_input") -> None:
        super().__init__(code, detail or "; ".join(f"{f.pointer}: {f.message}" for f in faults), faults=faults)


class Unavailable(Refused):
    """Somebody else's service could not be asked; the caller may repeat."""

    status = 503


class Contended(CarillonError):
    """Another writer won every round; repeating the call is safe."""


class InvalidValue(ValueError):
    """A single value breaks its rule; doors turn it into a `Fault` at that value's place."""

    def __init__(self, message: str, code: Code = "invalid_value") -> None:
        super().__init__(message)
        self.code = code
