"""Test-sends: a text with sample data, sent for real, to an address of the organization's own."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.constraints import Text, document
from carillon.domain.decide import whatsapp_template
from carillon.domain.errors import Conflict, InvalidValue
from carillon.domain.messages import Message, Occasion, message_key
from carillon.domain.organizations import Organization
from carillon.domain.quota import Exhausted, units_at_queue
from carillon.domain.settings import Settings
from carillon.domain.trials import Owned, TrialText, owned_addresses
from carillon.ports.delivery import Connections, RenderingFailed
from carillon.ports.directory import Phones
from carillon.ports.messages import Messages
from carillon.ports.queues import Queues
from carillon.ports.reading import Reader
from carillon.ports.system import Clock, Ids
from carillon.ports.texts import TemplateStore, Texts, TrialTexts
from carillon.services.storing import ready_alone
from carillon.services.template_drafts import Chosen, DraftInput, choose, wrong

DEADLINE = timedelta(hours=24)


@document
class TrialInput(DraftInput):
    """Which text to send, and to whom."""

    to: Annotated[str, Text(max=254, min=3)]


@document
class Trial:
    """A test on its way; `GET /v1/messages/{id}` tells what becomes of it."""

    id: str
    channel: Channel
    to: str
    status: str


class TemplateTrials:
    """Sends tests of texts, through the queue and sender of every other message."""

    def __init__(
        self,
        store: TemplateStore,
        texts: Texts,
        trials: TrialTexts,
        reader: Reader,
        messages: Messages,
        queues: Queues,
        connections: Connections,
        phones: Phones,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._texts = texts
        self._trials = trials
        self._reader = reader
        self._messages = messages
        self._queues = queues
        self._connections = connections
        self._phones = phones
        self._clock = clock
        self._ids = ids

    def send(self, org_id: str, wanted: TrialInput, given: Collection[str]) -> Trial:
        """Store a test and queue it; raises Invalid, Forbidden, Conflict."""
        chosen = choose(org_id, wanted, given, self._store, self._texts)
        settings = chosen.view.settings
        try:
            self._texts.preview(replace(chosen.place, locale=chosen.locale), chosen.own, settings, None)
        except RenderingFailed as error:
            raise wrong("/body", "template_invalid", f"can't be rendered: {error}") from error
        person = self._owned(chosen.view.organization, wanted, settings)
        self._require_open(chosen, person)
        message = self._message(org_id, chosen, person)
        until = message.created_at + timedelta(days=settings.retention_days)
        self._trials.put(org_id, message.key, TrialText(locale=chosen.locale, text=chosen.own), until)
        try:
            self._messages.create(org_id, message, retention_days=settings.retention_days)
        except Exhausted as error:
            raise Conflict("quota_exhausted", f"the quota of {error.bucket} is exhausted") from error
        self._queues.send_ready([ready_alone(org_id, message)])
        return Trial(id=message.id, channel=chosen.place.channel, to=person.address, status=message.status)

    def _owned(self, organization: Organization, wanted: TrialInput, settings: Settings) -> Owned:
        """Find whose address it is; staff are read only if it is neither the manager's nor the owner's."""
        channel, now, address = wanted.channel, self._clock.now(), self._written(wanted, settings)
        found = _at(address, owned_addresses(channel, organization, settings, [], now))
        if found is None:
            staff = self._reader.all_staff(organization.id).values()
            found = _at(address, owned_addresses(channel, organization, settings, staff, now))
        if found is not None:
            return found
        raise wrong("/to", "unknown_reference", "must be an address of the manager, the owner or active staff")

    def _written(self, wanted: TrialInput, settings: Settings) -> str:
        if CHANNELS[wanted.channel].address != "phone":
            return wanted.to
        try:
            return self._phones.normalise(wanted.to, settings.country)
        except InvalidValue as error:
            raise wrong("/to", error.code, str(error)) from error

    def _require_open(self, chosen: Chosen, person: Owned) -> None:
        place, organization, settings = chosen.place, chosen.view.organization, chosen.view.settings
        if place.channel not in self._connections.connected(organization, settings):
            raise Conflict("channel_not_connected", f"{place.channel} is not connected")
        if person.opted_out:
            raise Conflict("opted_out", "the person at this address opted out")
        if place.channel != "whatsapp" or (chosen.own is not None and chosen.own.whatsapp is not None):
            return
        known = self._connections.whatsapp_templates(organization, settings)
        approved = whatsapp_template(known, place.key, place.audience, chosen.locale)
        if chosen.own is not None or approved is None:
            raise Conflict("whatsapp_window_closed", "only an approved template opens a conversation")

    def _message(self, org_id: str, chosen: Chosen, person: Owned) -> Message:
        now, place = self._clock.now(), chosen.place
        trial = self._ids.ulid(now)
        occasion = Occasion("", kind="trial", id=trial)
        return Message(
            key=message_key(org_id, occasion, place.audience, person.ref, place.channel),
            id=trial,
            status="queued",
            channel=place.channel,
            audience=place.audience,
            to=person.address,
            occasion=occasion,
            template=place.key,
            created_at=now,
            deadline=now + DEADLINE,
            origin="manual",
            timeline=((now, "queued", None),),
            units=units_at_queue(chosen.view.organization, place.channel),
        )


def _at(address: str, people: Iterable[Owned]) -> Owned | None:
    """Find whose address it is; of somebody with several devices the name of any of them will do."""
    wanted = address.casefold()
    return next(
        (each for each in people if wanted in (each.address.casefold(), *each.address.casefold().split())), None
    )
