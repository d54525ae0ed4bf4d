"""Routes of the devices that take push messages; an app registers whoever is signed in there."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import INSIDE, STAFF_KEEPERS, Answer, Call, Id, Nothing, Routes
from carillon.services.devices import DeviceDocument, DeviceInput

routes = Routes()


@routes.put(
    "/v1/clients/<client_id>/devices/<device_id>",
    roles=INSIDE,
    statuses=(200, 201),
    errors=("channel_not_connected", "provider_unreachable"),
)
def put_client_device(call: Call, client_id: Id, device_id: Id, body: DeviceInput) -> Answer[DeviceDocument]:
    """Register a client's device for push messages, or its new token; a token that was somebody else's moves."""
    document, new = services().devices.put(call.caller, f"c:{client_id}", device_id, body)
    return Answer(document, status=201 if new else 200)


@routes.delete("/v1/clients/<client_id>/devices/<device_id>", roles=INSIDE)
def delete_client_device(call: Call, client_id: Id, device_id: Id) -> Nothing:
    """Take a device from a client (signed out, uninstalled); one that has gone already is fine."""
    services().devices.remove(call.org_id, f"c:{client_id}", device_id)
    return Nothing()


@routes.put(
    "/v1/staff/<staff_id>/devices/<device_id>",
    roles=STAFF_KEEPERS,
    statuses=(200, 201),
    errors=("channel_not_connected", "provider_unreachable"),
)
def put_staff_device(call: Call, staff_id: Id, device_id: Id, body: DeviceInput) -> Answer[DeviceDocument]:
    """Register a member's device for push messages, or its new token; a token that was somebody else's moves."""
    document, new = services().devices.put(call.caller, f"s:{staff_id}", device_id, body)
    return Answer(document, status=201 if new else 200)


@routes.delete("/v1/staff/<staff_id>/devices/<device_id>", roles=STAFF_KEEPERS)
def delete_staff_device(call: Call, staff_id: Id, device_id: Id) -> Nothing:
    """Take a device from a member (signed out, uninstalled); one that has gone already is fine."""
    services().devices.remove(call.org_id, f"s:{staff_id}", device_id)
    return Nothing()
