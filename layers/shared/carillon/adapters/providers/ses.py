"""E-mail through SES v2: one SendEmail per message, tagged with its token."""

import re
from email.header import Header
from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from carillon.adapters.providers.aws_errors import FAILURES, Text, outcome_of
from carillon.ports.delivery import Attachment, Outcome, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sesv2.client import SESV2Client

TAG = "message"
ENCODED_WORD = 75
"""Characters of a word that RFC 2047 allows."""
DAILY_QUOTA_PAUSE = 3600
"""Seconds: the daily quota and the rate share an error class; only the message tells hours from seconds."""
PERMANENT = {"MessageRejected": "content_rejected", "BadRequestException": "content_rejected"}
MISCONFIGURED = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
    }
)
_DAILY_QUOTA, _RATE = r"daily \w+ quota", r"sending rate exceeded"
TEXTS = (
    *(
        text
        # Which of them the limits come with is documented differently from page to page.
        for code in ("TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException")
        for text in (
            Text(code, _DAILY_QUOTA, Outcome("retry", code=code, retry_after=DAILY_QUOTA_PAUSE)),
            Text(code, _RATE, Outcome("retry", code=code)),
        )
    ),
    Text(
        "BadRequestException",
        r"^(?!.*(reply|from|sender)).*\b(address|domain)\b",
        Outcome("permanent", reason="recipient_rejected", code="BadRequestException"),
    ),
)


class SesEmail:
    """See the port `Provider`."""

    def __init__(self, client: "SESV2Client", *, from_address: str, configuration_set: str) -> None:
        self._client = client
        self._from_address = from_address
        self._configuration_set = configuration_set

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one e-mail with a text and an HTML part, and what goes with it."""
        sender = outgoing.from_address or self._from_address
        request = self._request(outgoing, sender)
        try:
            answer = self._client.send_email(**request)
        except FAILURES as error:
            texts = (*_unverified(sender), *TEXTS)
            return outcome_of(error, permanent=PERMANENT, misconfigured=MISCONFIGURED, texts=texts)
        return Outcome("accepted", provider_id=answer.get("MessageId"))

    def _request(self, outgoing: Outgoing, sender: str) -> dict[str, Any]:
        rendered = outgoing.rendered
        body: dict[str, Any] = {"Text": {"Data": rendered.text, "Charset": "UTF-8"}}
        if rendered.html is not None:
            body["Html"] = {"Data": rendered.html, "Charset": "UTF-8"}
        simple: dict[str, Any] = {"Subject": {"Data": rendered.subject or "", "Charset": "UTF-8"}, "Body": body}
        if outgoing.unsubscribe is not None:
            simple["Headers"] = _way_out(outgoing.unsubscribe)
        if outgoing.attachments:
            simple["Attachments"] = [_file(attachment) for attachment in outgoing.attachments]
        return {
            "FromEmailAddress": _mailbox(_name(outgoing, sender), sender),
            "Destination": {"ToAddresses": [outgoing.to]},
            "ReplyToAddresses": [outgoing.reply_to] if outgoing.reply_to else [],
            "Content": {"Simple": simple},
            "ConfigurationSetName": self._configuration_set,
            "EmailTags": [{"Name": TAG, "Value": outgoing.token}],
        }


def _name(outgoing: Outgoing, sender: str) -> str:
    """Give the name people see: what the organization chose for its own address, else whoever writes."""
    own = outgoing.own
    chosen = own.settings.get("from_name") if own is not None and own.sender == sender else None
    return chosen or outgoing.sender_name


def _way_out(address: str) -> list[dict[str, str]]:
    """Let mail programs end such mail with one click (RFC 8058): the address, then that a POST there is enough."""
    return [
        {"Name": "List-Unsubscribe", "Value": f"<{address}>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "FileName": attachment.filename,
        "ContentType": attachment.content_type,
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
        "RawContent": attachment.content,
    }


def _unverified(sender: str) -> tuple[Text, Text]:
    """Tell a sender that SES doesn't know from an account in the sandbox, which writes to known recipients only."""
    code, unknown = "MessageRejected", "is not verified"
    return (
        Text(code, f"{unknown}.*{re.escape(sender)}", Outcome("misconfigured", code=code)),
        Text(code, unknown, Outcome("permanent", reason="sender_misconfigured", code=code)),
    )


def _mailbox(name: str, address: str) -> str:
    # RFC 2047 for a name beyond ASCII, on one line however long; formataddr quotes what is special in the others.
    clean = " ".join(name.split())
    if clean.isascii():
        return formataddr((clean, address))
    return f"{Header(clean, 'utf-8', maxlinelen=ENCODED_WORD).encode(linesep='')} <{address}>"
