"""What a decision depends on, put together from one reading."""

from collections.abc import Mapping
from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.decisions import Account, Facts
from carillon.domain.organizations import Organization
from carillon.domain.quota import metered_buckets
from carillon.domain.recipients import Marks
from carillon.domain.records import StoredRecord
from carillon.ports.delivery import Connections
from carillon.ports.quota import Quota
from carillon.ports.reading import Snapshot
from carillon.ports.suppressions import AddressMarks


def marks_of(marks: AddressMarks | None, org_id: str, record: StoredRecord | None) -> Marks:
    """Read what is known against the addresses of a lead's contact; other records cost no reading."""
    contact = record.contact if record is not None else None
    return marks.of(org_id, contact.phone, contact.email) if marks is not None and contact is not None else Marks()


def exhausted_of(quota: Quota | None, organization: Organization) -> frozenset[Channel]:
    """Name the channels of whose quota nothing is left; what isn't metered costs no reading."""
    buckets = metered_buckets(organization) if quota is not None else []
    return frozenset(
        bucket for bucket in buckets if quota is not None and quota.books(organization.id, bucket).left < 1
    )


def facts_of(
    snapshot: Snapshot,
    record: StoredRecord,
    connections: Connections,
    *,
    client: Client | None = None,
    staff: Mapping[str, Staff] | None = None,
    now: datetime | None = None,
) -> Facts | None:
    """Put the facts together; None when the organization (or its settings) is gone, so nothing is decided.

    Without `now`, quiet hours are left out of the decision.
    """
    if snapshot.organization is None or snapshot.settings is None:
        return None
    return Facts(
        organization=snapshot.organization,
        settings=snapshot.settings,
        rules=snapshot.rules,
        record=record,
        client=client,
        staff=snapshot.staff if staff is None else staff,
        same_day=snapshot.same_day,
        connected=connections.connected(snapshot.organization, snapshot.settings),
        whatsapp_templates=connections.whatsapp_templates(snapshot.organization, snapshot.settings),
        own_texts=snapshot.own_texts,
        now=now,
    )


def account_of(snapshot: Snapshot, connections: Connections, *, now: datetime) -> Account | None:
    """Put together what a decision about no record depends on; None when the organization, or its settings, is gone."""
    if snapshot.organization is None or snapshot.settings is None:
        return None
    return Account(
        organization=snapshot.organization,
        settings=snapshot.settings,
        connected=connections.connected(snapshot.organization, snapshot.settings),
        whatsapp_templates=connections.whatsapp_templates(snapshot.organization, snapshot.settings),
        own_texts=snapshot.own_texts,
        now=now,
    )
