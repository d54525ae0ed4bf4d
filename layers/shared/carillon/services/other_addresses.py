"""Other addresses than a person's own: what was said there, and what refused mail, binds whoever is written to."""

from carillon.domain.channels import Channel
from carillon.domain.manual import refused_at
from carillon.domain.values import value
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.replies import AddressBook
from carillon.ports.suppressions import Suppressions


@value
class OtherAddresses:
    """Looks at an address as it is known now; `suppressions` None: of a channel on which none is kept."""

    reader: Reader
    book: AddressBook
    suppressions: Suppressions | None = None

    def look(self, org_id: str, channel: Channel, address: str, snapshot: Snapshot) -> str | None:
        """Tell why an address must not be written to: somebody there opted out, or it was refused; None: nothing known.

        `snapshot` holds the organization and its settings.
        """
        organization, settings = snapshot.organization, snapshot.settings
        if organization is None or settings is None:
            return None
        names = tuple(self.book.clients(org_id, channel, address))
        clients = self.reader.read([Want(org_id, clients=names)])[0].clients.values() if names else ()
        staff = self.reader.all_staff(org_id).values()
        refused = refused_at(channel, address, clients, staff, organization, settings)
        if refused is not None or self.suppressions is None:
            return refused
        return self.suppressions.find(org_id, channel, address)
