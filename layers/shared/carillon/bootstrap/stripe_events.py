"""What takes Stripe's events: verified here, settled by the function behind the queue."""

import json
from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.payments_queue import SqsPayments
from carillon.adapters.providers import stripe_events
from carillon.bootstrap import config, current_clock
from carillon.bootstrap.secrets import secret
from carillon.domain.top_ups import Reference
from carillon.domain.values import value
from carillon.ports.billing import PaymentsQueue
from carillon.runtime.config import CallbacksConfig


@value
class Taken:
    """An event that is genuine; `reference` None: it tells nothing new."""

    reference: Reference | None = None


def take(header: str | None, body: bytes) -> Taken | None:
    """Have an event settled; None: it is not signed as it should be, or not of this deployment's mode."""
    told = config(CallbacksConfig)
    kept = secret(told.deployment_secret_arn).read()
    if not stripe_events.is_signed(kept.stripe_webhook_secret, header, body, current_clock.now()):
        return None
    event = json.loads(body)
    if not isinstance(event, dict) or not stripe_events.is_of_mode(event, kept.stripe_secret_key):
        return None
    reference = stripe_events.read_event(event, told.stack_name)
    if reference is not None:
        _queue().send([reference])
    return Taken(reference)


@cache
def _queue() -> PaymentsQueue:
    return SqsPayments(client("sqs"), config(CallbacksConfig).payments_queue_url)
