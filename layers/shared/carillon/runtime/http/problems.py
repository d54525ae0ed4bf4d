"""Problem details (RFC 9457): the one shape of every error that a door answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from carillon.domain.errors import Code, Fault, Refused

CONTENT_TYPE = "application/problem+json"
TITLES: dict[Code, str] = {
    "address_bounced": "The address does not accept messages",
    "attachments_too_large": "The attachments are too large",
    "billing_details_missing": "Billing details are missing",
    "body_too_large": "The body is too large",
    "busy": "Others are writing the same just now",
    "channel_not_configurable": "The channel cannot be switched",
    "channel_not_connected": "The channel is not connected",
    "channel_refused": "The provider does not accept the sender",
    "consent_missing": "The person has not agreed",
    "duplicate_client": "Another client has this contact",
    "duplicate_key": "A key stands twice",
    "has_upcoming": "The client has upcoming appointments",
    "idempotency_in_progress": "The first call with this key is still running",
    "idempotency_key_reused": "The key was used for another call",
    "if_match_required": "If-Match is required",
    "internal_error": "Something went wrong on our side",
    "invalid_cursor": "The cursor is not one of this list",
    "invalid_input": "The input breaks one or more rules",
    "invalid_json": "The body is not JSON",
    "invalid_value": "A value breaks its rule",
    "method_not_allowed": "The resource does not know this method",
    "missing_field": "A field is missing",
    "no_address": "There is no address for this channel",
    "not_found": "There is no such thing",
    "notifications_inactive": "Notifications are not active",
    "opted_out": "The person opted out",
    "organization_exists": "The organization exists",
    "payments_not_connected": "Payments are not connected",
    "provider_unreachable": "The provider could not be asked",
    "quota_exhausted": "The quota is used up",
    "rate_limited": "Too many calls",
    "read_only": "The field cannot be changed",
    "role_not_allowed": "The role may not do this",
    "role_too_high": "The role is higher than the key's",
    "signature_invalid": "The signature is not valid",
    "template_invalid": "The template is not valid",
    "template_not_supported": "The channel takes no template",
    "too_many": "There are too many",
    "unknown_field": "A field is not known",
    "unknown_reference": "The thing referred to does not exist",
    "unsupported_media_type": "The body must be JSON",
    "version_conflict": "The document has changed meanwhile",
    "whatsapp_window_closed": "The WhatsApp window is closed",
}
"""What each code says in general; `detail` says it of the case."""

STATUSES: dict[Code, int] = {
    "busy": 503,
    "channel_not_configurable": 422,
    "channel_refused": 422,
    "internal_error": 500,
    "invalid_cursor": 422,
    "invalid_input": 422,
    "invalid_json": 400,
    "invalid_value": 422,
    "missing_field": 422,
    "read_only": 422,
    "template_invalid": 422,
    "template_not_supported": 422,
    "too_many": 422,
    "unknown_field": 422,
    "unknown_reference": 422,
    "idempotency_key_reused": 422,
    "attachments_too_large": 413,
    "body_too_large": 413,
    "if_match_required": 428,
    "method_not_allowed": 405,
    "not_found": 404,
    "notifications_inactive": 403,
    "provider_unreachable": 503,
    "rate_limited": 429,
    "role_not_allowed": 403,
    "role_too_high": 403,
    "signature_invalid": 403,
    "unsupported_media_type": 415,
    "version_conflict": 412,
}
"""The status that a code comes with; one that isn't here refuses what the state forbids (409)."""


def status_of(code: Code) -> int:
    """Give the status that a code comes with."""
    return STATUSES.get(code, 409)


class Rejected(Refused):
    """The request is refused by the door itself, before any service sees it."""

    def __init__(self, status: int, code: Code, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, detail)
        self.status = status
        self.headers = dict(headers or {})


def problem_type(code: Code) -> str:
    """Give the identifier of a kind of problem."""
    return f"urn:carillon:problem:{code}"


def body(status: int, code: Code, detail: str, request_id: str, faults: Sequence[Fault] = ()) -> str:
    """Write the problem document."""
    document: dict[str, Any] = {
        "type": problem_type(code),
        "title": TITLES[code],
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
    if faults:
        document["errors"] = [_shown(fault) for fault in faults]
    return json.dumps(document, ensure_ascii=False)


def _shown(fault: Fault) -> dict[str, Any]:
    place = {} if fault.line is None else {"line": fault.line, "column": fault.column}
    return {"pointer": fault.pointer, "code": fault.code, "message": fault.message, **place}
