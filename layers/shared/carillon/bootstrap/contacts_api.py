"""The services behind the door of clients and staff."""

from dataclasses import dataclass
from functools import cache

from carillon import bootstrap
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.dynamodb.staff import DynamoStaff
from carillon.adapters.phones import NumberPlans
from carillon.adapters.system import RandomIds
from carillon.runtime.config import ContactsApiConfig
from carillon.services.clients import ClientKeeping
from carillon.services.consents import ConsentKeeping
from carillon.services.enrolment import Enrolment
from carillon.services.staff import StaffKeeping


@dataclass(frozen=True)
class ContactsApi:
    """What the door calls."""

    clients: ClientKeeping
    consents: ConsentKeeping
    enrolment: Enrolment
    staff: StaffKeeping
    answers: DynamoAnswers


@cache
def services() -> ContactsApi:
    """Give the door's services."""
    table = bootstrap.table(bootstrap.config(ContactsApiConfig).table_name)
    clock, ids, phones, clients = bootstrap.current_clock, RandomIds(), NumberPlans(), DynamoClients(table)
    return ContactsApi(
        clients=ClientKeeping(clients, DynamoRecords(table), phones, clock, ids),
        consents=ConsentKeeping(clients, clock, ids),
        enrolment=Enrolment(clients, clock),
        staff=StaffKeeping(DynamoStaff(table), DynamoSettings(table), phones, clock, ids),
        answers=DynamoAnswers(table, clock),
    )
