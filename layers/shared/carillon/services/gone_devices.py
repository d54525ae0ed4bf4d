"""Devices that can't be reached any more leave the person they belonged to."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from carillon.domain.errors import Contended
from carillon.domain.reach import Device
from carillon.domain.values import value
from carillon.ports.devices import DeviceClaim, DeviceOwner, DeviceStore, Endpoints, EndpointsUnreachable
from carillon.ports.system import Clock

ROUNDS = 5


def with_devices(owner: DeviceOwner, devices: Sequence[Device]) -> DeviceOwner:
    """Give a person with other devices."""
    return replace(owner, person=replace(owner.person, reach=replace(owner.person.reach, devices=list(devices))))


def left_out(before: DeviceOwner, after: DeviceOwner) -> list[str]:
    """Name the endpoints that a person no longer has."""
    kept = {device.endpoint for device in after.person.reach.devices}
    return [device.endpoint for device in before.person.reach.devices if device.endpoint not in kept]


@value
class GoneDevices:
    """Takes devices from people: first from the person, then from the push service.

    A claim that is given up keeps an endpoint from being taken by somebody else while it is being deleted. A process
    that dies in between leaves an endpoint that nobody has, which gets nothing.
    """

    store: DeviceStore
    endpoints: Endpoints
    clock: Clock

    def forget(self, org_id: str, ref: str, devices: Sequence[Device]) -> None:
        """Take devices from a person, those with the very endpoints; one registered anew since stays."""
        gone = {device.endpoint for device in devices}
        self.take(org_id, ref, lambda device: device.endpoint in gone)

    def forget_all(self, org_id: str, ref: str) -> None:
        """Take every device from a person."""
        self.take(org_id, ref, lambda _: True)

    def take(self, org_id: str, ref: str, chosen: Callable[[Device], bool]) -> None:
        """Take the chosen devices from a person; raises Contended when other writers kept coming first."""
        for _ in range(ROUNDS):
            owner = self.store.owner(org_id, ref)
            if owner is None:
                return
            after = with_devices(owner, [device for device in owner.person.reach.devices if not chosen(device)])
            freed = left_out(owner, after)
            if not freed or self.store.save(org_id, [after], self.given_up(org_id, owner, freed), self.clock.now()):
                self.delete(org_id, freed)
                return
        raise Contended("whose devices these are is being changed by others")

    def given_up(self, org_id: str, owner: DeviceOwner, endpoints: Sequence[str]) -> list[DeviceClaim]:
        """Give up a person's claims; those that somebody else has by now stay."""
        claims = self.store.claims(org_id, endpoints) if endpoints else {}
        return [replace(claim, owner=None) for claim in claims.values() if claim.owner in (owner.ref, None)]

    def delete(self, org_id: str, endpoints: Sequence[str]) -> None:
        """Delete endpoints that nobody has any more; what can't be deleted gets nothing either."""
        for endpoint in endpoints:
            with suppress(EndpointsUnreachable):
                self.endpoints.delete(org_id, endpoint)
