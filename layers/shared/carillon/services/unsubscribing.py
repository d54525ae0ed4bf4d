"""Unsubscribing: a client ends marketing e-mail of an organization with one click, or all of its e-mail.

What is clicked is the person's own word, so it goes into the ledger of consents, once however often it is clicked.
"""

from dataclasses import replace

from carillon.domain.clients import Client, Consents
from carillon.domain.consents import stated_by
from carillon.domain.errors import Contended, NotFound
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, Clients, Stored
from carillon.ports.system import Clock, Ids
from carillon.services.opting import Opting
from carillon.services.suppressing import Suppressing

ROUNDS = 8
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
        self._ids = ids

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
        for _ in range(ROUNDS):
            stored = self._clients.read(org_id, client_id).client
            if stored is None or stored.document.consents.marketing.get("email") is False:
                break
            if self._refused(org_id, stored):
                break
        else:
            raise Contended(f"client {client_id} is being changed by others")
        return self.look(org_id, client_id)

    def end_all(self, org_id: str, client_id: str) -> Subscription:
        """Have nothing more sent to the client by e-mail, whatever for."""
        self._opting.out(org_id, f"c:{client_id}", "email", source=SOURCE)
        return self.look(org_id, client_id)

    def come_back(self, org_id: str, client_id: str) -> Subscription:
        """Have e-mail about appointments sent again; marketing stays ended. It takes a complaint back, too."""
        if self._opting.back(org_id, f"c:{client_id}", "email", source=SOURCE):
            stored = self._clients.read(org_id, client_id).client
            if stored is not None and stored.document.email:
                self._suppressing.lift(org_id, "email", stored.document.email, by_owner=True)
        return self.look(org_id, client_id)

    def _refused(self, org_id: str, stored: Stored[Client]) -> bool:
        now, person = self._clock.now(), stored.document
        stated = Consents(marketing={"email": False}, source=SOURCE)
        consents, entry = stated_by(person.consents, stated, {"recipient": f"c:{person.id}"}, now)
        after = replace(person, consents=consents)
        change = ClientChange(stored, after, guarded=False, entry=entry, entry_id=self._ids.ulid(now))
        return self._clients.save(org_id, change, now).version is not None
