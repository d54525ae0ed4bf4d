"""What knows Twilio's callbacks as genuine."""

from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.bot_webhooks import BotWebhooks
from carillon.adapters.tokens import SignedTokens
from carillon.adapters.twilio_signers import Signed, TwilioSigners
from carillon.adapters.vault import KmsVault
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.secrets import secret
from carillon.runtime.config import CallbacksConfig


def signer(
    url: str, body: str, signature: str | None, *, token: str | None = None, channel_id: str | None = None
) -> Signed | None:
    """Tell whose account a form post came from; None: it is not signed as it should be.

    `token` names the message of a status callback (`m` in its address), `channel_id` the own number that an inbound
    message came to (`c`); without either only the deployment's account is known.
    """
    return _signers().of(url, body, signature, token=token, channel_id=channel_id)


@cache
def _signers() -> TwilioSigners:
    told = config(CallbacksConfig)
    kept = secret(told.deployment_secret_arn)
    vault = KmsVault(lambda: client("kms"), told.kms_key_arn)
    senders = BotWebhooks(table(told.table_name), vault, current_clock)
    return TwilioSigners(kept.read, SignedTokens(kept.signing_key), senders)
