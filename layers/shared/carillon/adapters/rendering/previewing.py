"""Texts outside a message: checked before they are stored, shown as they are built in, and tried in a preview."""

from dataclasses import replace
from typing import Any

from carillon.adapters.rendering.about import about as of_record
from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.samples import sample_facts, sample_settings
from carillon.domain.catalog import general_key
from carillon.domain.channels import Channel
from carillon.domain.own_texts import Place
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText
from carillon.ports.delivery import Rendered
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock


class RenderedTexts:
    """See the port `Texts`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._renderer = TemplateRenderer()

    def check(self, *, channel: Channel, text: OwnText) -> None:
        """Check a text as it is to be stored."""
        self._renderer.check(channel=channel, text=text)

    def built_in(self, place: Place) -> OwnText:
        """Give the built-in text as a template."""
        found = self._renderer.built_in(
            key=place.key, audience=place.audience, channel=place.channel, locale=place.locale
        )
        return OwnText(body=found.body, subject=found.subject)

    def preview(self, place: Place, text: OwnText | None, settings: Settings, about: Snapshot | None) -> Rendered:
        """Render with sample data, or about a record."""
        values = sample(place, settings) if about is None else self._real(place, settings, about)
        return self._renderer.render(
            key=place.key,
            audience=place.audience,
            channel=place.channel,
            locale=place.locale,
            values=values,
            own=text,
        )

    def _real(self, place: Place, settings: Settings, about: Snapshot) -> dict[str, Any]:
        record = about.record
        if record is None:
            raise ValueError("a preview is about sample data or about a record")
        members = about.staff
        first = next((members[i] for i in record.staff_ids if i in members), None)
        return build_values(
            Facts(
                settings=settings,
                locale=place.locale,
                now=self._clock.now(),
                staff=first,
                reminder_key=_reminder(place),
                **of_record(record, about.clients.get(record.client_id or ""), members),
            )
        )


def sample(place: Place, settings: Settings) -> dict[str, Any]:
    """Make sample data for a text, of this organization."""
    # A review is asked for only where there is an address for it, so its sample has one.
    review = settings.review if settings.review.url else sample_settings(place.locale).review
    facts = sample_facts(place.locale, replace(settings, review=review))
    return build_values(replace(facts, reminder_key=_reminder(place) or facts.reminder_key))


def _reminder(place: Place) -> str | None:
    return place.key.removeprefix("reminder.") if general_key(place.key) == "reminder" else None
