"""Other addresses than a person's own: what was said there, and what refused mail, binds whoever is written to."""

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.manual import refused_at
from carillon.domain.values import value
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.replies import AddressBook
from carillon.ports.suppressions import AddressMarks


@value
class OtherAddresses:
    """Looks at an address as it is known now: by who has it, and by what is kept of the address itself."""

    reader: Reader
    book: AddressBook
    marks: AddressMarks | None = None

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
        if refused is not None or self.marks is None:
            return refused
        phone, email = (address, None) if CHANNELS[channel].address == "phone" else (None, address)
        kept = self.marks.of(org_id, phone, email)
        if channel in kept.opted_out:
            return "opted_out"
        return next((each.reason for each in kept.refused if each.channel == channel), None)
