"""Asking for a review: before a request is stored, it is noted with the client, so that of two only one goes.

The note is written before the message, under a condition, and names its appointment: whoever dies in between finds his
own note when the reminder comes again. One of which nothing came (refused, failed, expired) is passed over.
"""

from datetime import datetime

from carillon.domain.catalog import REVIEW
from carillon.domain.clients import Client
from carillon.domain.errors import Contended
from carillon.domain.messages import Occasion, reminder_places
from carillon.domain.reviews import TAKING, UNSENT, Asked, pause, too_soon
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.reading import Reader, Want
from carillon.ports.reviews import ReviewRequests

ROUNDS = 4


@value
class Asking:
    """Notes review requests, and knows of earlier ones."""

    reader: Reader
    requests: ReviewRequests

    def take(self, org_id: str, client: Client, settings: Settings, asked: Asked) -> datetime | None:
        """Note a request, unless the client was asked too lately about another appointment: then when.

        One call where nothing stands against it. Raises Contended when others kept writing.
        """
        since = asked.at - pause(settings)
        over: Asked | None = None
        for _ in range(ROUNDS):
            if client.merged or over is not None:
                before = self.before(org_id, client, settings, asked)
                if before is not None:
                    return before
            if self.requests.note(org_id, client.id, asked, since=since, over=over):
                return None
            before = self.before(org_id, client, settings, asked)
            if before is not None:
                return before
            over = next((each for each in self.requests.latest(org_id, (client.id,)) if not each.same(asked)), None)
        raise Contended("another review request to this client is being noted")

    def before(self, org_id: str, client: Client, settings: Settings, asked: Asked) -> datetime | None:
        """Say when the client was last asked about another appointment, if that is too lately."""
        known = self.requests.latest(org_id, (client.id, *client.merged))
        lately = [each for each in known if not each.same(asked) and too_soon(each.at, settings, asked.at)]
        return max((each.at for each in lately if self._counts(org_id, client, each, asked.at)), default=None)

    def _counts(self, org_id: str, client: Client, asked: Asked, now: datetime) -> bool:
        """Whether something came of a request, or may yet."""
        occasion = Occasion(asked.record, reminder=REVIEW, start=asked.start)
        ids = (client.id, *client.merged)
        places = tuple(place for each in ids for place in reminder_places(org_id, occasion, each))
        messages = self.reader.read([Want(org_id, messages=places)])[0].messages.values()
        if not messages:
            return now < asked.at + TAKING
        return any(message.status not in UNSENT for message in messages)
