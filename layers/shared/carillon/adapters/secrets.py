"""The deployment's secret in Secrets Manager: the shared Twilio account and the signing key."""

import json
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from carillon.domain.values import value
from carillon.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

KEPT = timedelta(minutes=5)
"""A rotated secret is known everywhere after that long."""


@value
class Secrets:
    """What the secret holds; an empty Twilio account means that the shared sender is not set up.

    Without a Stripe key there are no payments; the webhook's secret is what Stripe signs its events with.
    """

    signing_key: str
    twilio_account_sid: str
    twilio_auth_token: str
    stripe_secret_key: str = ""
    stripe_webhook_secret: str = ""

    def __repr__(self) -> str:
        return "Secrets(...)"


class DeploymentSecret:
    """Reads the secret on first use and keeps it for five minutes."""

    def __init__(self, client: "SecretsManagerClient", arn: str, clock: Clock) -> None:
        self._client = client
        self._arn = arn
        self._clock = clock
        self._known: Secrets | None = None
        self._until: datetime | None = None

    def read(self) -> Secrets:
        """Give the secret's content."""
        now = self._clock.now()
        if self._known is None or self._until is None or now >= self._until:
            content = json.loads(self._client.get_secret_value(SecretId=self._arn)["SecretString"])
            names = [field.name for field in fields(Secrets)]
            self._known = Secrets(**{name: content.get(name, "") for name in names})
            self._until = now + KEPT
        return self._known

    def signing_key(self) -> str:
        """Give the key that tokens are signed with; LookupError when the secret has none: anybody could sign then."""
        key = self.read().signing_key
        if not key:
            raise LookupError("the deployment's secret has no signing_key")
        return key
