"""What each function is told by its environment: one frozen class per function, one field per variable.

A field is named like its variable in lower case. Nothing is read at import; a bootstrap calls `load` once.
`channel_queues` is JSON: the URL of each channel's queue.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from carillon.domain.values import value

C = TypeVar("C")


class MisconfiguredError(RuntimeError):
    """Environment variables that a function needs are missing; the message names all of them."""


def load(cls: type[C], environ: Mapping[str, str]) -> C:
    """Read a configuration class from the environment; raises MisconfiguredError naming every missing variable."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    missing = [name.upper() for name in names if name.upper() not in environ]
    if missing:
        raise MisconfiguredError(f"{cls.__name__} needs the environment variables {', '.join(missing)}")
    return cls(**{name: environ[name.upper()] for name in names})


@value
class AuthorizerConfig:
    """`operator_key_hash`: hex SHA-256 of the operator's key, empty for none."""

    table_name: str
    operator_key_hash: str


@value
class SettingsApiConfig:
    """The senders of the deployment show on the cards of `/v1/integrations`; an empty one is not connected.

    Tests of texts go to the channels' queues. `kms_key_arn` seals the credentials of own senders; `public_base_url`
    empty: API Gateway's own domain, as the request names it. `push_applications`: how the ARNs of organizations' apps
    begin at SNS, with `*` for the platform. `stack_name` marks what was made at SES.
    """

    table_name: str
    stack_name: str
    channel_queues: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str
    kms_key_arn: str
    twilio_api_url: str
    telegram_api_url: str
    viber_api_url: str
    public_base_url: str
    push_applications: str
    deployment_secret_arn: str


@value
class ContactsApiConfig:
    """Clients and staff need the table; the diagnosis also which senders the deployment has.

    Suppressed addresses are known by a hash under the deployment's key.
    """

    table_name: str
    deployment_secret_arn: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str


@value
class RecordsApiConfig:
    """Records need the table; a client that comes along, the key of suppressed addresses; explaining, the senders."""

    table_name: str
    deployment_secret_arn: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str


@value
class MessagesApiConfig:
    """Reading messages needs the table alone; writing one, what its sender needs, and where its files are kept.

    `public_base_url` empty: API Gateway's own domain, as the request names it.
    """

    table_name: str
    channel_queues: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str
    deployment_secret_arn: str
    public_base_url: str
    attachments_bucket: str


@value
class PaymentsConfig:
    """What talks to Stripe: the account's keys are in the deployment's secret.

    `stack_name` marks what was made there, so that several deployments may share an account. `stripe_automatic_tax`:
    true or false.
    """

    table_name: str
    stack_name: str
    deployment_secret_arn: str
    stripe_api_url: str
    stripe_automatic_tax: str


@value
class BillingApiConfig(PaymentsConfig):
    """Selling takes the packages (JSON, see `domain/packages.py`).

    `public_base_url` empty: API Gateway's own domain, as the request names it.
    """

    top_up_packages: str
    public_base_url: str


@value
class SettlePaymentsConfig(PaymentsConfig):
    """Settling takes the account and the table."""


@value
class PlannerConfig:
    """Planning makes schedules, and queues what is due at once; run_jobs plans too.

    The deployment's secret holds the key under which the addresses of leads' contacts are known.
    """

    table_name: str
    due_queue_url: str
    due_queue_arn: str
    jobs_queue_url: str
    channel_queues: str
    scheduler_role_arn: str
    scheduler_dlq_arn: str
    reminders_group: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str
    organization_messages_per_second: str
    deployment_secret_arn: str


@value
class PlanNotificationsConfig(PlannerConfig):
    """The stream's function."""


@value
class RunJobsConfig(PlannerConfig):
    """The jobs' function. Recaps have schedules and a queue of their own; a removed organization's files go, too."""

    attachments_bucket: str
    recaps_group: str
    recaps_queue_url: str
    recaps_queue_arn: str
    payments_queue_url: str


@value
class DispatchReminderConfig:
    """Dispatching queues messages on their channels; one that waits for long becomes a job, which schedules it."""

    table_name: str
    channel_queues: str
    jobs_queue_url: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str
    organization_messages_per_second: str


@value
class SendRecapConfig(DispatchReminderConfig):
    """Recaps are queued on their channels; a schedule that nobody wants is removed by a job."""


@value
class SenderConfig(DispatchReminderConfig):
    """What every sender needs: its own queue for later tries, the others' for fallbacks."""


@value
class SendEmailConfig(SenderConfig):
    """E-mail through SES; `public_base_url` is where the links in it lead, files that go along lie in the bucket."""

    ses_configuration_set: str
    deployment_secret_arn: str
    public_base_url: str
    attachments_bucket: str


@value
class SendSmsConfig(SenderConfig):
    """SMS through SNS, which brings no receipts, or through AWS End User Messaging, whose events bring tokens back.

    `sms_backend`: sns or eum. `sms_origination_identity`: what End User Messaging sends from, `sms_max_price`: US
    dollars for a message (SNS) or a part of it; each may be empty.
    """

    sms_backend: str
    sms_origination_identity: str
    sms_max_price: str
    sms_configuration_set: str
    deployment_secret_arn: str


@value
class SendWhatsappConfig(SenderConfig):
    """WhatsApp through Twilio; `public_base_url` is where its callbacks come to."""

    kms_key_arn: str
    twilio_api_url: str
    deployment_secret_arn: str
    public_base_url: str


@value
class SendTelegramConfig(SenderConfig):
    """Telegram's Bot API brings no receipts, so it needs no secret to sign tokens with."""

    kms_key_arn: str
    telegram_api_url: str


@value
class SendViberConfig(SenderConfig):
    """Viber's REST Bot API; its receipts bring a signed token back."""

    kms_key_arn: str
    viber_api_url: str
    deployment_secret_arn: str


@value
class SendPushConfig(SenderConfig):
    """Push through SNS brings no receipts, so it needs no secret to sign tokens with."""


@value
class RecordDeliveryConfig(SenderConfig):
    """Receipts of e-mail and SMS, and replies by SMS; a late failure queues the next channel."""

    deployment_secret_arn: str


@value
class CallbacksConfig(SenderConfig):
    """Receipts of Twilio, and what happens in chats with organizations' bots.

    `public_base_url` empty: API Gateway's own domain, as the request names it.
    """

    kms_key_arn: str
    deployment_secret_arn: str
    public_base_url: str
    viber_api_url: str
    payments_queue_url: str
    stack_name: str


@value
class ClientPagesConfig:
    """Pages that clients open from a message; the key that their links are signed with."""

    table_name: str
    deployment_secret_arn: str


@value
class SweepConfig:
    """The sweep hands each organization to the jobs' function."""

    table_name: str
    jobs_queue_url: str
