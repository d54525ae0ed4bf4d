"""The services behind the door of organization and settings."""

from collections.abc import Callable
from functools import cache

from carillon import bootstrap
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.client_parts import DynamoClientParts
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.rules import DynamoRules
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.labels import FileLabels
from carillon.adapters.phones import NumberPlans
from carillon.adapters.system import RandomIds
from carillon.bootstrap.secrets import secret
from carillon.domain.values import value
from carillon.runtime.config import SettingsApiConfig
from carillon.services.applying import Applying
from carillon.services.catalog import Catalog
from carillon.services.integrations import CardStatus, Integrations
from carillon.services.organizations import OrganizationKeeping
from carillon.services.rules import RuleKeeping
from carillon.services.settings import SettingsKeeping


@value
class SettingsApi:
    """What the door calls."""

    organizations: OrganizationKeeping
    integrations: Integrations
    settings: SettingsKeeping
    applying: Applying
    rules: RuleKeeping
    catalog: Catalog
    answers: DynamoAnswers


@cache
def services() -> SettingsApi:
    """Give the door's services."""
    config = bootstrap.config(SettingsApiConfig)
    table, clock, ids = bootstrap.table(config.table_name), bootstrap.current_clock, RandomIds()
    organizations, answers = DynamoOrganizations(table), DynamoAnswers(table, clock)
    addresses = {"email": config.email_from, "sms": config.sms_sender_id, "whatsapp": config.whatsapp_from}
    connections = DeploymentConnections(table, addresses, clock)  # type: ignore[arg-type]
    return SettingsApi(
        organizations=OrganizationKeeping(organizations, answers, clock, ids),
        integrations=Integrations(
            organizations, DynamoReader(table), connections, _payments(config.deployment_secret_arn), clock, ids
        ),
        settings=SettingsKeeping(DynamoSettings(table), organizations, NumberPlans(), clock, ids),
        applying=Applying(DynamoSettings(table), DynamoClientParts(table), DynamoClients(table), clock),
        rules=RuleKeeping(DynamoRules(table), connections, clock, ids),
        catalog=Catalog(DynamoReader(table), connections, FileLabels()),
        answers=answers,
    )


def _payments(secret_arn: str) -> Callable[[], CardStatus]:
    """Tell how payments stand: by a key alone nobody would hear what became of them."""

    def status() -> CardStatus:
        kept = secret(secret_arn).read()
        if not kept.stripe_secret_key:
            return "not_connected"
        return "active" if kept.stripe_webhook_secret else "error"

    return status
