"""The services behind the door of billing."""

from functools import cache

from carillon.adapters.dynamodb.billing import DynamoBilling
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.pages import payment_page
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.payments import account, settling_of
from carillon.bootstrap.secrets import secret
from carillon.domain.packages import read_packages
from carillon.domain.values import value
from carillon.runtime.config import BillingApiConfig
from carillon.services.top_ups import BillingKeeping, TopUps

__all__ = ["BillingApi", "payment_page", "services"]


@value
class BillingApi:
    """What the door calls."""

    top_ups: TopUps
    billing: BillingKeeping
    answers: DynamoAnswers
    public_base_url: str


@cache
def services() -> BillingApi:
    """Give the door's services; raises InvalidPackagesError, naming every fault, where the packages are wrong."""
    told = config(BillingApiConfig)
    packages = read_packages(told.top_up_packages)
    items, clock, ids = table(told.table_name), current_clock, RandomIds()
    store, answers, payments = DynamoBilling(items), DynamoAnswers(items, clock), account(told)
    kept = secret(told.deployment_secret_arn)
    return BillingApi(
        top_ups=TopUps(
            store=store,
            payments=payments,
            connected=lambda: kept.read().stripe_secret_key != "",
            settling=settling_of(told, payments),
            answers=answers,
            packages=packages,
            clock=clock,
            ids=ids,
        ),
        billing=BillingKeeping(store, clock, ids),
        answers=answers,
        public_base_url=told.public_base_url.rstrip("/"),
    )
