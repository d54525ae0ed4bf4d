"""The services behind the door of clients and staff."""

from functools import cache
from secrets import token_urlsafe

from carillon import bootstrap
from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.channels import DynamoChannels
from carillon.adapters.dynamodb.chats import DynamoChatLinks
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.devices import DynamoDevices, StoredPushApplications
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.merges import DynamoMerges
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.dynamodb.staff import DynamoStaff
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.adapters.phones import NumberPlans
from carillon.adapters.providers.sns_endpoints import EndpointsExceptTestData, SnsEndpoints
from carillon.adapters.system import RandomIds
from carillon.bootstrap.secrets import secret
from carillon.domain.values import value
from carillon.runtime.config import ContactsApiConfig
from carillon.services.chat_links import ChatLinking
from carillon.services.clients import ClientKeeping
from carillon.services.consents import ConsentKeeping
from carillon.services.devices import DeviceKeeping
from carillon.services.diagnosing import Diagnosing
from carillon.services.enrolment import Enrolment
from carillon.services.lifting import Lifting
from carillon.services.merging import Merging
from carillon.services.moving import RecordMover
from carillon.services.staff import StaffKeeping
from carillon.services.suppressing import Suppressing

PAYLOAD_BYTES = 32
"""Of a link to a chat: 43 characters, of the 64 that Telegram takes."""


@value
class ContactsApi:
    """What the door calls."""

    clients: ClientKeeping
    consents: ConsentKeeping
    enrolment: Enrolment
    staff: StaffKeeping
    diagnosis: Diagnosing
    merging: Merging
    lifting: Lifting
    links: ChatLinking
    answers: DynamoAnswers
    devices: DeviceKeeping


@cache
def services() -> ContactsApi:
    """Give the door's services."""
    config = bootstrap.config(ContactsApiConfig)
    table = bootstrap.table(config.table_name)
    clock, ids, phones = bootstrap.current_clock, RandomIds(), NumberPlans()
    suppressions = DynamoSuppressions(table, secret(config.deployment_secret_arn).signing_key)
    clients, staff, settings = DynamoClients(table, suppressions), DynamoStaff(table), DynamoSettings(table)
    suppressing = Suppressing(suppressions, clients, staff, DynamoOrganizations(table), settings, clock, ids)
    reader, records = DynamoReader(table), DynamoRecords(table)
    senders = {"email": config.email_from, "sms": config.sms_sender_id, "whatsapp": config.whatsapp_from}
    connections = DeploymentConnections(table, senders, clock)  # type: ignore[arg-type]
    return ContactsApi(
        clients=ClientKeeping(clients, records, phones, clock, ids),
        consents=ConsentKeeping(clients, clock, ids),
        enrolment=Enrolment(clients, clock),
        staff=StaffKeeping(staff, settings, suppressions, phones, clock, ids),
        lifting=Lifting(suppressing),
        merging=Merging(DynamoMerges(table), RecordMover(reader, records, clock), clock, ids),
        diagnosis=Diagnosing(reader, clients, records, connections, clock, DynamoQuota(table)),
        links=ChatLinking(
            clients, DynamoChatLinks(table), DynamoChannels(table), lambda: token_urlsafe(PAYLOAD_BYTES), clock, ids
        ),
        answers=DynamoAnswers(table, clock),
        devices=DeviceKeeping(
            DynamoDevices(table),
            EndpointsExceptTestData(SnsEndpoints(lambda: client("sns"))),
            StoredPushApplications(DynamoChannels(table)),
            clock,
        ),
    )
