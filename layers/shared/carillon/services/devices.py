"""Devices that take push messages: registered by the organization's app for whoever is signed in there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from carillon.domain.clients import Client
from carillon.domain.constraints import Id, Text, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, NotFound, Unavailable
from carillon.domain.organizations import Caller
from carillon.domain.reach import MAX_DEVICES, Device, Platform
from carillon.domain.values import value
from carillon.ports.devices import (
    ApplicationGone,
    DeviceClaim,
    DeviceOwner,
    DeviceStore,
    EndpointRefused,
    Endpoints,
    EndpointsUnreachable,
    PushApplications,
)
from carillon.ports.system import Clock
from carillon.services.gone_devices import GoneDevices, left_out, with_devices

ROUNDS = 6


@document
class DeviceInput:
    """A device as the app registers it: `token` is what FCM or APNs gave the app."""

    platform: Platform
    token: Annotated[str, Text(max=2048, min=8, pattern=r"[!-~]+")]


@document
class DeviceDocument:
    """A device as answers show it; its token is never shown again."""

    id: Id
    platform: Platform


@value
class Registration:
    """What a registration writes: the person, whoever had the endpoint before, and the claims."""

    owners: tuple[DeviceOwner, ...]
    claims: tuple[DeviceClaim, ...]
    freed: tuple[str, ...]


class DeviceKeeping:
    """Use cases on devices of clients and staff; `ref` is `c:<id>` or `s:<id>`."""

    def __init__(self, store: DeviceStore, endpoints: Endpoints, applications: PushApplications, clock: Clock) -> None:
        self._store = store
        self._endpoints = endpoints
        self._applications = applications
        self._clock = clock
        self._gone = GoneDevices(store, endpoints, clock)

    def put(self, caller: Caller, ref: str, device_id: str, stated: DeviceInput) -> tuple[DeviceDocument, bool]:
        """Register a device, or its new token; also tells whether the device is new.

        Raises NotFound, Invalid, Conflict (`channel_not_connected`), Unavailable (`provider_unreachable`).
        A token that another person of the data set had moves. Beyond ten devices the one registered longest ago goes.
        The push service is asked first; what it made is nobody's until it is stored.
        """
        org_id = caller.org_id
        for _ in range(ROUNDS):
            owner = self._existing(org_id, ref)
            application = self._applications.of(org_id).get(stated.platform)
            if application is None:
                raise Conflict("channel_not_connected", f"push is not connected for {stated.platform}")
            endpoint = self._registered(org_id, stated, application)
            claim = self._store.claims(org_id, [endpoint])[endpoint]
            if claim.given_up:
                # It is being deleted this moment; deleted here, the next round gets another one.
                self._gone.delete(org_id, [endpoint])
                continue
            found = self._registration(
                org_id, owner, Device(id=device_id, platform=stated.platform, endpoint=endpoint), claim
            )
            if not found.owners or self._store.save(org_id, found.owners, found.claims, self._clock.now()):
                self._gone.delete(org_id, found.freed)
                new = all(each.id != device_id for each in owner.person.reach.devices)
                return DeviceDocument(id=device_id, platform=stated.platform), new
        raise Contended(f"the devices of {ref} are being changed by others")

    def remove(self, org_id: str, ref: str, device_id: str) -> None:
        """Take a device from a person; one that is not there is gone already. Raises NotFound without the person."""
        self._existing(org_id, ref)
        self._gone.take(org_id, ref, lambda device: device.id == device_id)

    def forget_all(self, org_id: str, ref: str) -> None:
        """Take all devices from a person who is removed."""
        self._gone.forget_all(org_id, ref)

    def _existing(self, org_id: str, ref: str) -> DeviceOwner:
        owner = self._store.owner(org_id, ref)
        if owner is None or (isinstance(owner.person, Client) and owner.person.removed):
            kind, _, who = ref.partition(":")
            raise NotFound(f"there is no {'client' if kind == 'c' else 'staff member'} {who!r}")
        return owner

    def _registered(self, org_id: str, stated: DeviceInput, application: str) -> str:
        try:
            return self._endpoints.register(org_id, application, stated.token)
        except EndpointRefused as error:
            raise Invalid([Fault("/token", "invalid_value", str(error))]) from error
        except ApplicationGone as error:
            raise Conflict("channel_not_connected", str(error)) from error
        except EndpointsUnreachable as error:
            raise Unavailable("provider_unreachable", str(error)) from error

    def _registration(self, org_id: str, owner: DeviceOwner, device: Device, claim: DeviceClaim) -> Registration:
        others = [each for each in owner.person.reach.devices if _is_other(each, device)]
        # The one registered last stands last, so a full list loses the one that was not heard of for longest.
        after = with_devices(owner, [*others, device][-MAX_DEVICES:])
        freed = left_out(owner, after)
        before = self._holder(org_id, owner, claim)
        changed = [after] if after != owner else []
        if before is not None:
            stays = [each for each in before.person.reach.devices if each.endpoint != device.endpoint]
            changed.append(with_devices(before, stays))
        claims: Sequence[DeviceClaim] = self._gone.given_up(org_id, owner, freed)
        if claim.owner != owner.ref:
            claims = [*claims, replace(claim, owner=owner.ref)]
            changed = changed or [after]
        return Registration(tuple(changed), tuple(claims), tuple(freed))

    def _holder(self, org_id: str, owner: DeviceOwner, claim: DeviceClaim) -> DeviceOwner | None:
        """Find the other person who has the endpoint."""
        if claim.owner is None or claim.owner == owner.ref:
            return None
        holder = self._store.owner(org_id, claim.owner)
        if holder is None or holder.ref == owner.ref:
            return None
        has = any(each.endpoint == claim.endpoint for each in holder.person.reach.devices)
        return holder if has else None


def _is_other(each: Device, device: Device) -> bool:
    return each.id != device.id and each.endpoint != device.endpoint
