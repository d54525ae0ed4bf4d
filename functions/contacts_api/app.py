"""Clients with their consents, enrolment and preferences; staff; the devices of both; suppressed addresses."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import Door
from functions.contacts_api import clients, devices, links, preferences, staff, suppressions

door = Door(answers=lambda: services().answers)
door.include(clients.routes, preferences.routes, staff.routes, devices.routes, links.routes, suppressions.routes)
lambda_handler = door.handler
