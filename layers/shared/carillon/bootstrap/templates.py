"""The services behind the routes of templates, in the function of the settings."""

import json
from functools import cache

from carillon import bootstrap
from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.templates import DynamoTemplates, DynamoTrialTexts
from carillon.adapters.phones import NumberPlans
from carillon.adapters.queues import SqsQueues
from carillon.adapters.system import RandomIds
from carillon.domain.channels import Channel
from carillon.domain.values import value
from carillon.runtime.config import SettingsApiConfig
from carillon.services.template_previews import TemplatePreviews
from carillon.services.template_trials import TemplateTrials
from carillon.services.templates import TemplateKeeping


@value
class TemplatesApi:
    """What the routes call."""

    keeping: TemplateKeeping
    previews: TemplatePreviews


@cache
def services() -> TemplatesApi:
    """Give the services."""
    # The other routes of the function do without the renderer.
    from carillon.adapters.rendering.previewing import RenderedTexts  # noqa: PLC0415

    table, clock = bootstrap.table(bootstrap.config(SettingsApiConfig).table_name), bootstrap.current_clock
    store, texts = DynamoTemplates(table), RenderedTexts(clock)
    return TemplatesApi(
        keeping=TemplateKeeping(store, texts, clock, RandomIds()),
        previews=TemplatePreviews(store, texts, DynamoReader(table)),
    )


@cache
def trials() -> TemplateTrials:
    """Give what sends tests of texts."""
    from carillon.adapters.rendering.previewing import RenderedTexts  # noqa: PLC0415

    config, clock = bootstrap.config(SettingsApiConfig), bootstrap.current_clock
    table = bootstrap.table(config.table_name)
    senders: dict[Channel, str] = {
        "email": config.email_from,
        "sms": config.sms_sender_id,
        "whatsapp": config.whatsapp_from,
    }
    return TemplateTrials(
        store=DynamoTemplates(table),
        texts=RenderedTexts(clock),
        trials=DynamoTrialTexts(table),
        reader=DynamoReader(table),
        messages=DynamoMessages(table),
        queues=SqsQueues(client("sqs"), channels=json.loads(config.channel_queues)),
        connections=DeploymentConnections(table, senders, clock),
        phones=NumberPlans(),
        clock=clock,
        ids=RandomIds(),
    )
