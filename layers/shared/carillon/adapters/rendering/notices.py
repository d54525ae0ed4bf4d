"""Notices to an organization's own people, in its language."""

from datetime import datetime
from typing import Any

from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.locales import formats
from carillon.adapters.rendering.texts import labels, notice
from carillon.domain.notices import Notice
from carillon.domain.organizations import Organization
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText, choose_locale
from carillon.domain.times import to_wall


def write_notice(
    about: Notice, organization: Organization, settings: Settings, now: datetime
) -> tuple[OwnText, str, dict[str, Any]]:
    """Give the text of a notice, the locale it is written in, and its values."""
    locale = choose_locale(None, settings.locale)
    subject, body = notice(about.kind, locale)
    values = build_values(Facts(settings=settings, locale=locale, now=now))
    names, since = formats(locale, settings.country), to_wall(about.since, settings.time_zone)
    state = next((state for channel, state in organization.channels.items() if channel == about.about), None)
    values["notice"] = {
        "channel": labels(locale, "channels").get(about.about, about.about),
        "sender": state.sender if state is not None else None,
        "code": state.reason if state is not None else None,
        "since": f"{names.full_day(since.date())}, {names.time(since)}",
    }
    return OwnText(subject=subject, body=body), locale, values
