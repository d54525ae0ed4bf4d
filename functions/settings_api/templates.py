"""Texts: the organization's own over the built-in ones."""

from functools import partial

from carillon.bootstrap.templates import services, trials
from carillon.domain.own_texts import find_place
from carillon.runtime.http import MANAGERS, READERS, Answer, Call, Draft, Id, ListQuery, Nothing, Page, Routes
from carillon.services.template_documents import TemplateDocument, TemplateEntry, TemplateQuery, TemplateVersion
from carillon.services.template_previews import Preview, PreviewInput
from carillon.services.template_trials import Trial, TrialInput
from carillon.services.templates import UNSTATED

routes = Routes()
ADDRESS = "/v1/templates/<key>/<audience>/<channel>/<locale>"


@routes.get("/v1/templates", roles=READERS, errors=("notifications_inactive",))
def list_templates(call: Call, query: TemplateQuery) -> Answer[Page[TemplateEntry]]:
    """List the addresses of all texts, built-in and own, by address; the texts themselves have a GET each."""
    return Answer(services().keeping.page(call.org_id, query, call.position))


@routes.post(
    "/v1/templates/preview",
    roles=READERS,
    errors=("notifications_inactive", "template_invalid"),
    repeats="leased",
)
def preview_template(call: Call, body: Draft[PreviewInput]) -> Answer[Preview]:
    """Show a text as it would be read, with sample data or about a record.

    A text that is left out is the one in force; nothing is stored or sent.
    """
    return Answer(services().previews.preview(call.org_id, body.value(), body.given))


@routes.post(
    "/v1/templates/test-send",
    roles=MANAGERS,
    statuses=(202,),
    errors=(
        "notifications_inactive",
        "template_invalid",
        "channel_not_connected",
        "opted_out",
        "whatsapp_window_closed",
        "quota_exhausted",
    ),
    repeats="leased",
)
def test_send_template(call: Call, body: Draft[TrialInput]) -> Answer[Trial]:
    """Send a text with sample data to the manager, the owner or active staff.

    A text that is left out is the one in force. Any other address is refused.
    """
    return Answer(trials().send(call.org_id, body.value(), body.given), status=202)


@routes.get(ADDRESS, roles=READERS, errors=("notifications_inactive",), versioned=True)
def get_template(call: Call, key: Id, audience: Id, channel: Id, locale: Id) -> Answer[TemplateDocument]:
    """Read the text in force at an address, the organization's own or the built-in one."""
    document, version = services().keeping.read(call.org_id, find_place(key, audience, channel, locale))
    return Answer(document, etag=version)


@routes.put(
    ADDRESS,
    roles=MANAGERS,
    statuses=(200, 201),
    errors=("notifications_inactive", "template_invalid", "read_only", "too_many"),
    versioned=True,
    new_unmatched=True,
)
def put_template(
    call: Call, key: Id, audience: Id, channel: Id, locale: Id, body: Draft[TemplateDocument]
) -> Answer[TemplateDocument]:
    """Save an own text: a part left out keeps its value, so a built-in text can be changed in one part.

    A PUT that makes a new key `own.<slug>` needs no If-Match.
    """
    place, keeping = find_place(key, audience, channel, locale), services().keeping
    read = partial(body.over, also=partial(keeping.faults, place))
    saved = keeping.save(call.caller, place, read, _stated(call))
    return Answer(saved.document, status=201 if saved.created else 200, etag=saved.version)


@routes.delete(ADDRESS, roles=MANAGERS, errors=("notifications_inactive", "version_conflict"))
def delete_template(call: Call, key: Id, audience: Id, channel: Id, locale: Id) -> Nothing:
    """Give an own text up: the built-in one is in force again. Versions are kept.

    If-Match is held if it is sent.
    """
    place = find_place(key, audience, channel, locale)
    services().keeping.remove(call.caller, place, _stated(call) or None)
    return Nothing()


@routes.get(ADDRESS + "/versions", roles=READERS, errors=("notifications_inactive",))
def list_template_versions(
    call: Call, key: Id, audience: Id, channel: Id, locale: Id, query: ListQuery
) -> Answer[Page[TemplateVersion]]:
    """List the versions of an own text, newest first; one that was given up has `text` null."""
    place = find_place(key, audience, channel, locale)
    return Answer(services().keeping.versions(call.org_id, place, query, call.position))


def _stated(call: Call) -> str | None:
    return call.if_match() if call.headers.get("if-match", "").strip() else UNSTATED
