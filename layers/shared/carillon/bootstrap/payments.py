"""What talks to Stripe: the account, and what settles top-ups with it."""

from functools import cache

from carillon.adapters.dynamodb.billing import DynamoBilling
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.payments_queue import from_data
from carillon.adapters.providers.stripe_payments import StripePayments, StripeSettings
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.secrets import secret
from carillon.runtime.config import PaymentsConfig, SettlePaymentsConfig
from carillon.services.settling_payments import Settling

read_reference = from_data


@cache
def settling() -> Settling:
    """Make what settles top-ups, for the function behind the queue."""
    told = config(SettlePaymentsConfig)
    return settling_of(told, account(told))


def settling_of(told: PaymentsConfig, payments: StripePayments) -> Settling:
    """Make what settles top-ups."""
    items = table(told.table_name)
    return Settling(
        store=DynamoBilling(items),
        payments=payments,
        ledger=DynamoQuota(items),
        clock=current_clock,
        ids=RandomIds(),
    )


def account(told: PaymentsConfig) -> StripePayments:
    """Make the account."""
    settings = StripeSettings(
        deployment=told.stack_name,
        api_url=told.stripe_api_url,
        automatic_tax=told.stripe_automatic_tax == "true",
    )
    return StripePayments(secret(told.deployment_secret_arn).read, settings)
