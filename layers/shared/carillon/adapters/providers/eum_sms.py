"""SMS through AWS End User Messaging: with a time to live, so that nothing arrives days late, and with receipts.

Its errors carry a reason beside their code, and the reason is what tells a number from a sender from an account.
"""

from typing import Any

from botocore.exceptions import ClientError

from carillon.adapters.providers.aws_errors import FAILURES, outcome_of
from carillon.domain.sms import measure
from carillon.ports.delivery import Outcome, Outgoing

CONTEXT = "message"
"""Under this name our token goes along and comes back in every event."""
SHORTEST, LONGEST = 5, 259_200
"""Seconds that a message may be kept for; three days where nothing is said."""
REASONS = {
    # What the person, or the person's number, is to blame for.
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": "blocked_by_recipient",
    "DESTINATION_COUNTRY_BLOCKED": "recipient_rejected",
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": "recipient_rejected",
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": "recipient_rejected",
    "COUNTRY_NOT_ENABLED": "recipient_rejected",
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": "recipient_rejected",
    "MAXIMUM_SIZE_EXCEEDED": "content_rejected",
    # The sender is no good for this number, though it may be for others; or the account is at its limit for the month.
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": "sender_misconfigured",
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": "sender_misconfigured",
    "SENDER_ID_NOT_REGISTERED": "sender_misconfigured",
    "SENDER_ID_NOT_SUPPORTED": "sender_misconfigured",
    "SENDER_ID_REQUIRES_REGISTRATION": "sender_misconfigured",
    "PRICE_OVER_THRESHOLD": "sender_misconfigured",
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": "sender_misconfigured",
}
"""What fails this message for good, and gives the next channel its turn at once."""
MISCONFIGURED_REASONS = frozenset(
    {
        "CHANNEL_NOT_ENABLED",
        "EVENT_DESTINATION_MISMATCH",
        "INVALID_ARN",
        "MESSAGE_TYPE_MISMATCH",
        "NO_ORIGINATION_IDENTITIES_FOUND",
        "NUMBER_CAPABILITIES_MISMATCH",
        "REGISTRATION_NOT_COMPLETE",
        "RESOURCE_NOT_ACCESSIBLE",
        "RESOURCE_NOT_ACTIVE",
    }
)
FIELDS = {
    "DestinationPhoneNumber": "recipient_rejected",
    "MessageBody": "content_rejected",
}
"""Whom a field that is not valid is to blame for."""
MISCONFIGURED = frozenset({"ResourceNotFoundException"})
RETRY = frozenset({"ServiceQuotaExceededException"})


class EumSms:
    """See the port `Provider`. `client`: botocore's for `pinpoint-sms-voice-v2`."""

    def __init__(self, client: Any, *, origination: str, configuration_set: str, max_price: str) -> None:
        self._client = client
        self._origination = origination
        self._configuration_set = configuration_set
        self._max_price = max_price

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one text message, which AWS splits into parts itself."""
        request = self._request(outgoing)
        try:
            answer = self._client.send_text_message(**request)
        except ClientError as error:
            return _by_reason(error) or _by_code(error)
        except FAILURES as error:
            return _by_code(error)
        return Outcome("accepted", provider_id=answer.get("MessageId"), parts=measure(outgoing.rendered.text).parts)

    def _request(self, outgoing: Outgoing) -> dict[str, Any]:
        origination = outgoing.own.settings["sender_id"] if outgoing.own is not None else self._origination
        request: dict[str, Any] = {
            "DestinationPhoneNumber": outgoing.to,
            "MessageBody": outgoing.rendered.text,
            "MessageType": "TRANSACTIONAL",
            "TimeToLive": min(max(outgoing.valid_seconds, SHORTEST), LONGEST),
            "Context": {CONTEXT: outgoing.token},
            "ConfigurationSetName": self._configuration_set,
            "OriginationIdentity": origination,
            "MaxPrice": self._max_price,
        }
        return {name: value for name, value in request.items() if value != ""}


def _by_reason(error: ClientError) -> Outcome | None:
    """Read the reason, or the field that is not valid; None where neither says more than the code."""
    answer: Any = error.response
    reason, code = str(answer.get("Reason", "")), str(answer["Error"].get("Code", ""))
    if reason in REASONS:
        return Outcome("permanent", reason=REASONS[reason], code=reason)
    if reason in MISCONFIGURED_REASONS:
        return Outcome("misconfigured", code=reason)
    if code == "ValidationException":
        named = [str(field.get("Name", "")) for field in answer.get("Fields", [])]
        found = next((FIELDS[name] for name in named if name in FIELDS), None)
        return Outcome("permanent", reason=found, code=reason or code) if found is not None else None
    return None


def _by_code(error: Exception) -> Outcome:
    return outcome_of(error, permanent={}, misconfigured=MISCONFIGURED, retry=RETRY)
