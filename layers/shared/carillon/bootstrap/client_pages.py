"""What the pages that clients open from a message stand on."""

from functools import cache
from typing import Protocol

from carillon.adapters import pages
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.dynamodb.staff import DynamoStaff
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedLinks
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.secrets import secret
from carillon.domain.errors import NotFound
from carillon.domain.values import value
from carillon.runtime.config import ClientPagesConfig
from carillon.services.opting import Opting
from carillon.services.suppressing import Suppressing
from carillon.services.unsubscribing import Subscription, Unsubscribing


class Asked(Protocol):
    """A request for a page."""

    @property
    def token(self) -> str:
        """What stands behind the path's beginning."""

    @property
    def choice(self) -> str | None:
        """The button of the page that was pressed, if it was one."""

    @property
    def changes(self) -> bool:
        """Whether anything may change."""

    @property
    def languages(self) -> str:
        """What the browser says it accepts."""


@value
class ClientPages:
    """What the pages need."""

    links: SignedLinks
    unsubscribing: Unsubscribing


@cache
def services() -> ClientPages:
    """Give what the pages need."""
    told = config(ClientPagesConfig)
    items, key, clock = table(told.table_name), secret(told.deployment_secret_arn).signing_key, current_clock
    ids = RandomIds()
    suppressions, clients = DynamoSuppressions(items, key), DynamoClients(items)
    suppressing = Suppressing(
        suppressions, clients, DynamoStaff(items), DynamoOrganizations(items), DynamoSettings(items), clock, ids
    )
    opting = Opting(DynamoOptings(items), clock, ids)
    return ClientPages(SignedLinks(key), Unsubscribing(clients, opting, suppressing, clock, ids))


def unsubscribe_page(asked: Asked) -> tuple[int, str]:
    """Show the page of an unsubscribe link, after doing what was posted to it."""
    named = services().links.unsubscribing(asked.token)
    try:
        found = _done(asked, *named) if named is not None else None
    except NotFound:
        found = None
    if found is None:
        return 404, pages.unknown_page(pages.reader_locale(asked.languages))
    # A client that is gone gets nothing, which is what the link was for.
    ended = not found.known or (asked.changes and not found.marketing)
    return 200, pages.unsubscribe_page(found.locale, found.organization, marketing_ended=ended, out=found.out)


def failed_page() -> str:
    """Show that something went wrong."""
    return pages.failed_page()


def _done(asked: Asked, org_id: str, client_id: str) -> Subscription:
    unsubscribing = services().unsubscribing
    if not asked.changes:
        return unsubscribing.look(org_id, client_id)
    if asked.choice == "all":
        return unsubscribing.end_all(org_id, client_id)
    if asked.choice == "back":
        return unsubscribing.come_back(org_id, client_id)
    # Whatever else a mail program posts is the one click.
    return unsubscribing.end_marketing(org_id, client_id)
