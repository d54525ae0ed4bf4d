"""Unsubscribing: a client ends marketing e-mail of an organization with one click, or all of its e-mail.

What is clicked is the person's own word, so it goes into the ledger of consents, once however often it is clicked.
"""

from dataclasses import replace

from carillon.domain.clients import Client, Consents
from carillon.domain.consents import Changed, stated_by
from carillon.domain.errors import NotFound
from carillon.domain.values import value
from carillon.ports.directory import Clients
from carillon.ports.system import Clock, Ids
from carillon.services.client_editing import ClientEditing
from carillon.services.opting import Opting
from carillon.services.suppressing import Suppressing

SOURCE = "unsubscribe_link"


@value
class Subscription:
    """What a client gets of an organization by e-mail; `known` False: the client is gone, and gets nothing.

    `locale` is the language it reads.
    """

    organization: str
    locale: str
    known: bool
    marketing: bool
    out: bool


class Unsubscribing:
    """Use cases of the page behind a link; NotFound where the organization is gone. Each may be repeated."""

    def __init__(self, clients: Clients, opting: Opting, suppressing: Suppressing, clock: Clock, ids: Ids) -> None:
        self._clients = clients
        self._opting = opting
        self._suppressing = suppressing
        self._clock = clock
        self._editing = ClientEditing(clients, clock, ids)

    def look(self, org_id: str, client_id: str) -> Subscription:
        """Tell what the client gets."""
        view = self._clients.read(org_id, client_id)
        if view.organization.deleted:
            raise NotFound("there is no such organization")
        stored = view.client
        person = stored.document if stored is not None else None
        return Subscription(
            organization=view.settings.name,
            locale=(person.locale if person is not None else None) or view.settings.locale,
            known=person is not None,
            marketing=person is not None and person.consents.marketing.get("email", False),
            out=person is not None and "email" in person.opted_out,
        )

    def end_marketing(self, org_id: str, client_id: str) -> Subscription:
        """Withdraw the consent to marketing by e-mail; one that was never given is refused for good."""
        self._editing.edit(org_id, client_id, self._refused)
        return self.look(org_id, client_id)

    def end_all(self, org_id: str, client_id: str) -> Subscription:
        """Have nothing more sent to the client by e-mail, whatever for."""
        self._opting.out(org_id, f"c:{client_id}", "email", source=SOURCE)
        return self.look(org_id, client_id)

    def come_back(self, org_id: str, client_id: str) -> Subscription:
        """Have e-mail about appointments sent again; marketing stays ended. It takes a complaint back, too.

        The opt-out goes last: while it stands, the page offers to come back, and the rest is done again.
        """
        stored = self._clients.read(org_id, client_id).client
        if stored is not None and "email" in stored.document.opted_out:
            if stored.document.email:
                self._suppressing.lift(org_id, "email", stored.document.email, by_owner=True)
            self._opting.back(org_id, f"c:{client_id}", "email", source=SOURCE)
        return self.look(org_id, client_id)

    def _refused(self, person: Client) -> Changed:
        if person.consents.marketing.get("email") is False:
            return Changed(person)
        stated = Consents(marketing={"email": False}, source=SOURCE)
        actor = {"recipient": f"c:{person.id}"}
        consents, entry = stated_by(person.consents, stated, actor, self._clock.now())
        return Changed(replace(person, consents=consents), entry)
