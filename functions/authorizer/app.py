"""Answers API Gateway's question before every call: whose key is this."""

from typing import Any

from carillon.bootstrap.authorizer import authentication

SCHEME = "bearer "


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Answer a request authorizer event (payload 2.0) in the simple format; doors read the context."""
    header: str = event["headers"].get("authorization", "")
    known = header[: len(SCHEME)].lower() == SCHEME
    caller = authentication().caller(header[len(SCHEME) :].strip()) if known else None
    if caller is None:
        return {"isAuthorized": False}
    return {
        "isAuthorized": True,
        "context": {"org_id": caller.org_id, "role": caller.role, "key_id": caller.key_id, "mode": caller.mode},
    }
