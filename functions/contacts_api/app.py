"""Clients with their consents, enrolment and preferences; staff."""

from carillon.bootstrap.contacts_api import services
from carillon.runtime.http import Door
from functions.contacts_api import clients, preferences, staff

door = Door(answers=lambda: services().answers)
door.include(clients.routes, preferences.routes, staff.routes)
lambda_handler = door.handler
