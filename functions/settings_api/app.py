"""The organization: who it is, whether its notifications are on, its settings; and the operator's organizations."""

from functools import partial

from carillon.bootstrap.settings_api import services
from carillon.domain.settings import Settings
from carillon.runtime.http import ADMINS, INSIDE, READERS, Answer, Call, Door, Draft, Page
from carillon.services.applying import Applied, ApplyInput
from carillon.services.integrations import Card, Me
from carillon.services.settings import SavedSettings
from functions.settings_api import channels, organizations, public, quota, rules, templates

door = Door(answers=lambda: services().answers)
door.include(public.routes, quota.routes, organizations.routes, rules.routes, templates.routes, channels.routes)


@door.get("/v1/me", roles=INSIDE)
def me(call: Call) -> Answer[Me]:
    """Tell whom the key belongs to and what is open to it."""
    return Answer(services().integrations.me(call.caller))


@door.get("/v1/integrations", roles=READERS)
def integrations(call: Call) -> Answer[Page[Card]]:
    """List what the organization is connected to."""
    return Answer(services().integrations.cards(call.org_id))


@door.post("/v1/integrations/notifications/activate", roles=ADMINS)
def activate(call: Call) -> Answer[Card]:
    """Switch notifications on; reminders still ahead are planned."""
    return Answer(services().integrations.switch(call.caller, call.attempt, active=True))


@door.post("/v1/integrations/notifications/deactivate", roles=ADMINS)
def deactivate(call: Call) -> Answer[Card]:
    """Switch notifications off; from now on nothing is sent."""
    return Answer(services().integrations.switch(call.caller, call.attempt, active=False))


@door.get("/v1/settings", roles=READERS, versioned=True)
def get_settings(call: Call) -> Answer[Settings]:
    """Read the settings."""
    settings, version = services().settings.read(call.org_id)
    return Answer(settings, etag=version)


@door.put("/v1/settings", roles=ADMINS, versioned=True, errors=("channel_not_connected",))
def put_settings(call: Call, body: Draft[Settings]) -> Answer[SavedSettings]:
    """Save the settings: a field left out keeps its value, a list or object given replaces the whole."""
    keeping, draft = services().settings, body.without("warnings")
    read = partial(draft.over, also=keeping.faults)
    saved, version = keeping.save(call.caller, draft.given, read, call.if_match())
    return Answer(saved, etag=version)


@door.post("/v1/settings/reminders/apply", roles=ADMINS, repeats="leased")
def apply_reminders(call: Call, body: ApplyInput) -> Answer[Applied]:
    """Bring existing clients' reminders to today's defaults; a client with its own is left alone unless included.

    Answers 503 where there are more clients than one call reaches: repeated, it goes on with the rest.
    """
    return Answer(services().applying.apply(call.org_id, body))


lambda_handler = door.handler
