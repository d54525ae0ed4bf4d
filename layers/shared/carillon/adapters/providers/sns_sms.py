"""SMS through SNS: transactional, under the organization's sender id or the deployment's. It ends at `sent`."""

from typing import TYPE_CHECKING, Any

from carillon.adapters.providers.aws_errors import FAILURES, Text, outcome_of
from carillon.domain.sms import measure
from carillon.ports.delivery import Outcome, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

PERMANENT = {"ParameterValueInvalid": "content_rejected", "OptedOut": "blocked_by_recipient"}
MISCONFIGURED = frozenset({"AuthorizationError", "InvalidSecurity", "UserError"})
TEXTS = (
    # One code for whatever is wrong with a parameter; the message names it.
    Text(
        "InvalidParameter",
        r"PhoneNumber",
        Outcome("permanent", reason="recipient_rejected", code="InvalidParameter"),
    ),
    Text("InvalidParameter", r"SenderID|MessageAttributes", Outcome("misconfigured", code="InvalidParameter")),
    Text(
        "InvalidParameter",
        r"Invalid parameter: Message\b",
        Outcome("permanent", reason="content_rejected", code="InvalidParameter"),
    ),
)


class SnsSms:
    """See the port `Provider`."""

    def __init__(self, client: "SNSClient", *, sender_id: str, max_price: str = "") -> None:
        self._client = client
        self._sender_id = sender_id
        self._max_price = max_price

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one text message, which SNS splits into parts itself."""
        attributes: dict[str, Any] = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        sender_id = outgoing.own.settings["sender_id"] if outgoing.own is not None else self._sender_id
        if sender_id:
            attributes["AWS.SNS.SMS.SenderID"] = {"DataType": "String", "StringValue": sender_id}
        if self._max_price:
            attributes["AWS.SNS.SMS.MaxPrice"] = {"DataType": "Number", "StringValue": self._max_price}
        try:
            answer = self._client.publish(
                PhoneNumber=outgoing.to, Message=outgoing.rendered.text, MessageAttributes=attributes
            )
        except FAILURES as error:
            return outcome_of(error, permanent=PERMANENT, misconfigured=MISCONFIGURED, texts=TEXTS)
        return Outcome("accepted", provider_id=answer.get("MessageId"), parts=measure(outgoing.rendered.text).parts)
