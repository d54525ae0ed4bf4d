"""Tells an organization's manager of its own account: a notice is stored once, however often its cause is found."""

from carillon.domain.notices import Notice, notice_message
from carillon.domain.values import value
from carillon.ports.messages import Messages
from carillon.ports.queues import Queues
from carillon.ports.reading import Reader, Want
from carillon.ports.system import Clock, Ids
from carillon.services.storing import ready_alone
from carillon.services.waiting import hand_over


@value
class Telling:
    """Stores and queues notices; whatever raises may be repeated."""

    reader: Reader
    messages: Messages
    queues: Queues
    clock: Clock
    ids: Ids

    def tell(self, org_id: str, notice: Notice) -> bool:
        """Tell once; False when it was told before, or nobody is there any more."""
        snapshot, now = self.reader.read([Want(org_id)])[0], self.clock.now()
        organization, settings = snapshot.organization, snapshot.settings
        if organization is None or settings is None or organization.deleted:
            return False
        message = notice_message(org_id, notice, organization, settings, now, self.ids.ulid(now))
        new = self.messages.create(org_id, message, retention_days=settings.retention_days)
        if message.channel is not None:
            # Also one that was stored before: whoever did may have died before queueing it.
            hand_over(self.queues, [ready_alone(org_id, message)], now)
        return new
