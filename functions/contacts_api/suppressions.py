"""The way back for an address that bounced."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import MANAGERS, Answer, Call, Routes
from carillon.services.lifting import Lifted, LiftInput

routes = Routes()


@routes.post("/v1/suppressions/lift", roles=MANAGERS, statuses=(200,), errors=("opted_out",), repeats="leased")
def lift_suppression(call: Call, body: LiftInput) -> Answer[Lifted]:
    """Let an address that bounced for good be written to again, once whatever was wrong with it is mended.

    It counts for every client, member of staff and contact of the settings who has it. An address whose owner
    reported mail as spam stays as it is.
    """
    return Answer(services().lifting.lift(call.org_id, body))
