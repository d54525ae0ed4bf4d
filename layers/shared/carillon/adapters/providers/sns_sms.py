"""SMS through SNS: transactional, from the deployment's sender id. There is no receipt: it ends at `sent`."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carillon.adapters.providers.aws_errors import outcome_of
from carillon.domain.sms import measure
from carillon.ports.delivery import Outcome, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

PERMANENT = {
    "InvalidParameter": "recipient_rejected",
    "ParameterValueInvalid": "content_rejected",
    "OptedOut": "blocked_by_recipient",
}
MISCONFIGURED = frozenset({"AuthorizationError", "AccessDenied", "AccessDeniedException", "UserError"})
RETRY = frozenset({"Throttled", "Throttling", "ThrottlingException", "ThrottledException"})


class SnsSms:
    """See the port `Provider`."""

    def __init__(self, client: "SNSClient", *, sender_id: str) -> None:
        self._client = client
        self._sender_id = sender_id

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one text message, which SNS splits into parts itself."""
        attributes: dict[str, Any] = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        if self._sender_id:
            attributes["AWS.SNS.SMS.SenderID"] = {"DataType": "String", "StringValue": self._sender_id}
        try:
            answer = self._client.publish(
                PhoneNumber=outgoing.to, Message=outgoing.rendered.text, MessageAttributes=attributes
            )
        except (BotoCoreError, ClientError) as error:
            return outcome_of(error, permanent=PERMANENT, misconfigured=MISCONFIGURED, retry=RETRY)
        return Outcome("accepted", provider_id=answer["MessageId"], parts=measure(outgoing.rendered.text).parts)
