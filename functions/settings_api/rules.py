"""Routes of the catalog and of the rules that it offers."""

from carillon.bootstrap.settings_api import services
from carillon.runtime.http import ADMINS, INSIDE, READERS, Answer, Call, Draft, Routes
from carillon.services.catalog import CatalogQuery, CatalogView
from carillon.services.rules import RulesDocument, SavedRulesDocument

routes = Routes()


@routes.get("/v1/catalog", roles=INSIDE)
def get_catalog(call: Call, query: CatalogQuery) -> Answer[CatalogView]:
    """List every event, audience and channel, template keys and variables, with labels."""
    return Answer(services().catalog.show(call.org_id, query.locale))


@routes.get("/v1/settings/rules", roles=READERS, versioned=True, errors=("notifications_inactive",))
def get_rules(call: Call) -> Answer[RulesDocument]:
    """Read the rules: every row of the catalog for each of its audiences, and those bound to a status."""
    rules, version = services().rules.read(call.org_id)
    return Answer(rules, etag=version)


@routes.put(
    "/v1/settings/rules",
    roles=ADMINS,
    versioned=True,
    errors=("notifications_inactive", "channel_not_configurable"),
)
def put_rules(call: Call, body: Draft[RulesDocument]) -> Answer[SavedRulesDocument]:
    """Save the rules; the list given replaces the whole.

    Rows of the catalog can be switched off, not removed; rules bound to a status of an order or a lead may be added.
    """
    draft = body.without("warnings")
    saved, version = services().rules.save(call.caller, draft.given, draft.over, call.if_match())
    return Answer(saved, etag=version)
