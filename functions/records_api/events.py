"""Posted events: what no record shows."""

from carillon.bootstrap import records as bootstrap
from carillon.runtime.http import STAFF_KEEPERS, Answer, Call, Routes
from carillon.services.posting import EventInput, EventView

routes = Routes()


@routes.post("/v1/events", roles=STAFF_KEEPERS, statuses=(201,), errors=("notifications_inactive", "unknown_reference"))
def post_event(call: Call, body: EventInput) -> Answer[EventView]:
    """Tell up to 100 clients of what no record shows: an earlier slot, a free time, or an event of your own.

    All of it is stored before the answer, or nothing; each client is told once. `GET /v1/messages` shows the messages.
    """
    return Answer(bootstrap.posting().post(call.caller, body, call.attempt), status=201)
