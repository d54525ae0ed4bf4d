"""What a provider is asked to send: the rendered message, from whom, to where, and what goes with it."""

from dataclasses import replace
from datetime import datetime

from carillon.domain.connections import own_sender
from carillon.domain.messages import Message
from carillon.domain.own_channels import OwnSender
from carillon.domain.patience import patience
from carillon.domain.reach import Device
from carillon.domain.recheck import Recheck
from carillon.domain.settings import Settings
from carillon.domain.simulation import is_test_data
from carillon.domain.values import value
from carillon.ports.channels import OwnSenders
from carillon.ports.delivery import Attachment, Composer, Outgoing, Rendered, RenderingFailed, Tokens
from carillon.ports.manual import FileGone, Files
from carillon.ports.reading import Snapshot
from carillon.services.mailing import Mailing


@value
class OutgoingMaker:
    """Writes a message out for its provider, from the newest state of what it is about."""

    composer: Composer
    tokens: Tokens
    own: OwnSenders
    mailing: Mailing | None = None
    files: Files | None = None

    def make(self, org_id: str, message: Message, snapshot: Snapshot, checked: Recheck, now: datetime) -> Outgoing:
        """Render a message that was checked and say to whom and from whom it goes; raises RenderingFailed.

        Whatever else is raised, as when an own sender can't be opened, leaves the message to be tried again.
        """
        rendered = self.composer.compose(message, snapshot)
        settings = snapshot.settings
        if settings is None:
            raise RenderingFailed("the organization has no settings")
        outgoing = Outgoing(
            org_id=org_id,
            message_id=message.id,
            to=checked.address,
            rendered=rendered,
            token=self.tokens.issue(org_id, message.key),
            valid_seconds=_valid_seconds(message, snapshot, settings, now),
            sender_name=settings.name,
            reply_to=settings.contact.email,
            attempt=message.attempt + 1,
            own=self._own(org_id, message, snapshot),
            devices=_devices(message, snapshot),
        )
        if message.occasion.kind == "notice":
            # From the deployment alone: the organization's own sender may be what it is about.
            return replace(outgoing, reply_to=None)
        if self.mailing is None:
            return outgoing
        mail = self.mailing.complete(outgoing, message, snapshot)
        return replace(mail, attachments=(*mail.attachments, *self._files(org_id, rendered)))

    def _files(self, org_id: str, rendered: Rendered) -> list[Attachment]:
        """Read the files that go with it: before it is claimed, so that trouble here harms nothing."""
        if not rendered.files:
            return []
        if self.files is None:
            raise RenderingFailed("there is no place to read its files from")
        try:
            return [self.files.fetch(org_id, file) for file in rendered.files]
        except FileGone as error:
            raise RenderingFailed(str(error)) from error

    def _own(self, org_id: str, message: Message, snapshot: Snapshot) -> OwnSender | None:
        """Open the organization's own sender where it is in use; test data has none that could be opened."""
        organization, settings, channel = snapshot.organization, snapshot.settings, message.channel
        none = channel is None or message.occasion.kind == "notice" or is_test_data(org_id)
        if none or channel is None or organization is None or settings is None:
            return None
        return self.own.of(org_id, channel, own_sender(channel, organization, settings))


def _valid_seconds(message: Message, snapshot: Snapshot, settings: Settings, now: datetime) -> int:
    """Say how long it is of use: until its deadline, or until the next channel gets its turn."""
    waits = patience(message, settings, snapshot.clients.get(message.client_id or ""))
    left = message.deadline - now
    return max(60, int(min(left, waits if waits is not None else left).total_seconds()))


def _devices(message: Message, snapshot: Snapshot) -> tuple[Device, ...]:
    """Name the devices of the person whom a push message goes to; other channels need none."""
    if message.channel != "push":
        return ()
    person = snapshot.clients.get(message.client_id or "") or snapshot.staff.get(message.staff_id or "")
    return tuple(person.reach.devices) if person is not None else ()
