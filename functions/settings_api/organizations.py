"""The operator's routes."""

from carillon.bootstrap.channels import parting, public_url
from carillon.bootstrap.settings_api import services
from carillon.runtime.http import OPERATOR, Answer, Call, Draft, Id, ListQuery, Page, Routes
from carillon.runtime.logging import logger
from carillon.services.organizations import (
    CreatedOrganization,
    NewOrganization,
    OrganizationPatch,
    OrganizationView,
)

routes = Routes()


@routes.post("/v1/organizations", roles=OPERATOR, statuses=(201,), errors=("organization_exists",), repeats="own")
def create_organization(call: Call, body: NewOrganization) -> Answer[CreatedOrganization]:
    """Make an organization with its default settings and the first key of each data set.

    A key's secret is shown this once and stored as a hash only.
    """
    operator_key = call.headers.get("authorization", "")
    return Answer(services().organizations.create(body, call.attempt, operator_key), status=201)


@routes.get("/v1/organizations", roles=OPERATOR)
def list_organizations(call: Call, query: ListQuery) -> Answer[Page[OrganizationView]]:
    """List organizations by id."""
    return Answer(services().organizations.page(query.limit, call.position))


@routes.get("/v1/organizations/<organization_id>", roles=OPERATOR)
def get_organization(call: Call, organization_id: Id) -> Answer[OrganizationView]:  # noqa: ARG001 - see app.py
    """Read an organization."""
    return Answer(services().organizations.get(organization_id))


@routes.patch("/v1/organizations/<organization_id>", roles=OPERATOR)
def patch_organization(
    call: Call,  # noqa: ARG001
    organization_id: Id,
    body: Draft[OrganizationPatch],
) -> Answer[OrganizationView]:
    """Change name, metering or suspension; a suspended organization's keys stop within 60 s."""
    return Answer(services().organizations.patch(organization_id, body.over))


@routes.delete("/v1/organizations/<organization_id>", roles=OPERATOR, statuses=(202,))
def delete_organization(call: Call, organization_id: Id) -> Answer[OrganizationView]:
    """Remove an organization: nothing is accepted or sent any more, and its data goes.

    Its own senders are undone at their providers; one that does not answer is left as it is there.
    """
    partings = parting().of(organization_id)
    view = services().organizations.remove(organization_id)
    for channel, error in parting().leave(organization_id, partings, public_url(call.domain)):
        ids = {"organization_id": organization_id, "channel": channel, "request_id": call.request_id}
        logger().warning("sender left at its provider", extra={**ids, "reason": type(error).__name__})
    return Answer(view, status=202)
