"""Organizations as the operator keeps them: made with settings and keys at once, changed, suspended, removed."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Annotated

from carillon.domain.channels import BUCKETS, Bucket
from carillon.domain.codec import Json, loads, to_data
from carillon.domain.constraints import Country, Id, Locale, Name, Whole, Zone, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, NotFound
from carillon.domain.idempotency import Attempt, RepeatedError, StoredAnswer
from carillon.domain.listing import Page
from carillon.domain.organizations import OPERATOR_ORG, ApiKey, Mode, Organization, Role, data_set
from carillon.domain.quota import Credit
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.ports.directory import Answers, NewTenant, Organizations, Stored
from carillon.ports.system import Clock, Ids
from carillon.services.authentication import Token, secret_hash

Metering = dict[Bucket, Annotated[int, Whole(0, 1_000_000_000)]]
MODES: tuple[Mode, Mode] = ("live", "test")
ROUNDS = 8
METERED = "metering"
"""The ledger's reason of what a bucket begins with."""


@document
class NewOrganization:
    """An organization as the operator orders it.

    `metering`: what is metered, with the units it begins with; null, or a bucket left out: not metered.
    """

    id: Id | None = None
    name: Name
    time_zone: Zone
    locale: Locale
    country: Country
    metering: Metering | None = None


@document
class OrganizationPatch:
    """What the operator may change of an organization.

    A bucket that comes to `metering` is metered from the next message on, and its units are credited; one that was in
    it keeps its number, since what is left is changed by credits. What is left of one that goes stays for later.
    """

    name: Name
    metering: Metering | None = None
    suspended: bool = False


@document
class OrganizationView:
    """An organization as the operator sees it."""

    id: Id
    name: Name
    time_zone: Zone
    locale: Locale
    country: Country
    metering: Metering | None
    suspended: bool
    notifications_active: bool
    created_at: str


@document
class FirstKey:
    """A key just made; `secret` is the whole key as it goes into `Authorization: Bearer`, shown this once."""

    id: str
    secret: str
    role: Role
    mode: Mode


@document
class CreatedOrganization:
    """A new organization with the first key of each of its data sets."""

    organization: OrganizationView
    api_key: FirstKey
    test_api_key: FirstKey


class OrganizationKeeping:
    """Use cases of the operator."""

    def __init__(self, organizations: Organizations, answers: Answers, clock: Clock, ids: Ids) -> None:
        self._organizations = organizations
        self._answers = answers
        self._clock = clock
        self._ids = ids

    def create(self, new: NewOrganization, attempt: Attempt | None, operator_key: str) -> CreatedOrganization:
        """Make an organization with its test data set, settings and keys in one transaction.

        Secrets are stored as hashes only, so a repeated call makes them again from the operator's key and the
        Idempotency-Key. Raises Conflict (`organization_exists`).
        """
        seed = hmac.digest(operator_key.encode(), attempt.key.encode(), "sha256") if attempt else None
        if attempt is not None and (stored := self._answers.find(OPERATOR_ORG, attempt.key)):
            return self._again(attempt, stored, seed)
        now = self._clock.now()
        org_id = new.id or self._ids.ulid(now)
        tokens = [_token(org_id, mode, seed or secrets.token_bytes(32)) for mode in MODES]
        organizations = tuple(
            Organization(
                id=data_set(org_id, mode),
                name=new.name,
                time_zone=new.time_zone,
                locale=new.locale,
                country=new.country,
                metering=new.metering,
                ledgers=sorted(new.metering or ()),
                created_at=iso(now),
            )
            for mode in MODES
        )
        given = self._credits(new.metering or {})
        settings = Settings(name=new.name, time_zone=new.time_zone, locale=new.locale, country=new.country)
        kept = tuple(_key(token, iso(now)) for token in tokens)
        tenant = NewTenant(organizations, (settings, settings), kept, given)
        view = _view(organizations[0])
        try:
            made = self._organizations.create(tenant, now, attempt.answered(201, view) if attempt else None)
        except RepeatedError:
            stored = self._answers.find(OPERATOR_ORG, attempt.key) if attempt else None
            if attempt is None or stored is None:
                raise Contended("another call with the same Idempotency-Key came between") from None
            return self._again(attempt, stored, seed)
        if not made:
            raise Conflict("organization_exists", f"there is an organization {org_id!r}, or there was one")
        return _created(view, tokens)

    def _again(self, attempt: Attempt, stored: StoredAnswer, seed: bytes | None) -> CreatedOrganization:
        view = loads(OrganizationView, attempt.same(stored).body)
        return _created(view, [_token(view.id, mode, seed or b"") for mode in MODES])

    def get(self, org_id: str) -> OrganizationView:
        """Show one; NotFound for one that is unknown or removed."""
        return _view(self._pair(org_id)[0].document)

    def page(self, limit: int, position: str | None) -> Page[OrganizationView]:
        """List them by id."""
        page = self._organizations.page(limit, position)
        return Page([_view(organization) for organization in page.items], page.position)

    def patch(self, org_id: str, read: Callable[[Json], OrganizationPatch]) -> OrganizationView:
        """Change name, metering or suspension; `read` makes the patch from the fields as they are now.

        A suspended organization's keys stop within 60 s.
        """

        def change(organization: Organization) -> Organization:
            now = {each.name: to_data(getattr(organization, each.name)) for each in fields(OrganizationPatch)}
            patch = read(now)
            _check_metering(organization.metering or {}, patch.metering or {})
            known = sorted({*organization.ledgers, *(patch.metering or ())})
            return replace(
                organization, name=patch.name, metering=patch.metering, ledgers=known, suspended=patch.suspended
            )

        return self._save(org_id, change)

    def remove(self, org_id: str) -> OrganizationView:
        """Leave a tombstone: from now on nothing is accepted and nothing sent; the rest is cleaned up after."""
        return self._save(org_id, lambda organization: replace(organization, deleted=True, active=False))

    def _save(self, org_id: str, change: Callable[[Organization], Organization]) -> OrganizationView:
        for _ in range(ROUNDS):
            pair = self._pair(org_id)
            changed = [Stored(change(each.document), each.version) for each in pair]
            before, after = pair[0].document.metering or {}, changed[0].document.metering or {}
            given = self._credits({name: units for name, units in after.items() if name not in before})
            if self._organizations.save(changed, self._clock.now(), given=given):
                return _view(changed[0].document)
        raise Contended(f"organization {org_id} is being changed by others")

    def _credits(self, metering: Mapping[Bucket, int]) -> tuple[tuple[Bucket, Credit], ...]:
        """Give what buckets begin with that are metered from now on."""
        now = self._clock.now()
        made = []
        for bucket in BUCKETS:
            if bucket in metering:
                entry_id = self._ids.ulid(now)
                made.append((bucket, Credit(entry_id, entry_id, metering[bucket], METERED, now)))
        return tuple(made)

    def _pair(self, org_id: str) -> list[Stored[Organization]]:
        pair = self._organizations.load(*(data_set(org_id, mode) for mode in MODES))
        if not pair or pair[0].document.id != org_id or pair[0].document.deleted:
            raise NotFound(f"there is no organization {org_id!r}")
        return pair


def _check_metering(before: Mapping[Bucket, int], after: Mapping[Bucket, int]) -> None:
    faults = [
        Fault(
            f"/metering/{bucket}",
            "invalid_value",
            f"{bucket} is metered since it began with {before[bucket]}: POST /v1/organizations/{{id}}/credits changes "
            "what is left",
        )
        for bucket, units in after.items()
        if before.get(bucket, units) != units
    ]
    if faults:
        raise Invalid(faults)


def _token(org_id: str, mode: Mode, seed: bytes) -> Token:
    material = hmac.digest(seed, f"{mode}:{org_id}".encode(), "sha512")
    key_id = hashlib.sha256(b"id" + material).hexdigest()[:16]
    return Token(mode, org_id, key_id, urlsafe_b64encode(material[:32]).decode().rstrip("="))


def _key(token: Token, at: str) -> ApiKey:
    return ApiKey(
        id=token.key_id, role="org_admin", mode=token.mode, secret_hash=secret_hash(token.secret), created_at=at
    )


def _created(view: OrganizationView, tokens: list[Token]) -> CreatedOrganization:
    live, test = (FirstKey(id=t.key_id, secret=t.text, role="org_admin", mode=t.mode) for t in tokens)
    return CreatedOrganization(organization=view, api_key=live, test_api_key=test)


def _view(organization: Organization) -> OrganizationView:
    return OrganizationView(
        id=organization.id,
        name=organization.name,
        time_zone=organization.time_zone,
        locale=organization.locale,
        country=organization.country,
        metering=organization.metering,
        suspended=organization.suspended,
        notifications_active=organization.active,
        created_at=organization.created_at,
    )
