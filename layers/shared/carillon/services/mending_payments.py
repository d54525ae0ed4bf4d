"""Top-ups whose event never came: the sweep has them looked up."""

from datetime import timedelta

from carillon.domain.ids import ulid_time
from carillon.domain.top_ups import Reference
from carillon.domain.values import value
from carillon.ports.billing import BillingStore, PaymentsQueue
from carillon.ports.system import Clock

PATIENCE = timedelta(minutes=15)
"""How long events are waited for."""


@value
class PaymentsMending:
    """Has the queue bring what is still to come."""

    store: BillingStore
    queue: PaymentsQueue
    clock: Clock

    def mend(self, org_id: str) -> int:
        """Have an organization's top-ups looked up that aren't settled; gives their number."""
        now = self.clock.now()
        waiting = [each for each in self.store.unsettled(org_id) if ulid_time(each) <= now - PATIENCE]
        self.queue.send([Reference("", "sweep", org_id, each) for each in waiting])
        return len(waiting)
