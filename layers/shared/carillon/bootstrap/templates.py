"""The services behind the routes of templates, in the function of the settings."""

from dataclasses import dataclass
from functools import cache

from carillon import bootstrap
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.templates import DynamoTemplates
from carillon.adapters.system import RandomIds
from carillon.runtime.config import SettingsApiConfig
from carillon.services.template_previews import TemplatePreviews
from carillon.services.templates import TemplateKeeping


@dataclass(frozen=True)
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
