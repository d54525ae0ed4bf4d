"""The demo organization: a hair salon in Amsterdam with clients in four languages and a week of appointments."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import aiohttp

if TYPE_CHECKING:
    from local.cloud import Cloud

ORGANIZATION: Final = "salon-aurora"
ZONE: Final = "Europe/Amsterdam"
_CLIENTS: Final = (
    ("Sanne", "de Vries", "nl", "whatsapp sms email"),
    ("Daan", "Bakker", "nl", "sms email"),
    ("Fleur", "Jansen", "nl", "whatsapp email"),
    ("Bram", "Visser", "nl", "email"),
    ("Zofia", "Kowalska", "pl", "whatsapp sms"),
    ("Piotr", "Nowak", "pl", "sms"),
    ("Agnieszka", "Wiśniewska", "pl", "email"),
    ("Camille", "Lefèvre", "fr", "whatsapp email"),
    ("Hugo", "Moreau", "fr", "sms email"),
    ("Olivia", "Carter", "en", "whatsapp sms email"),
    ("James", "O'Connor", "en", "email"),
    ("Noor", "El Amrani", "nl", ""),
)
_SERVICES: Final = (("Knippen", 45), ("Kleuren", 90), ("Föhnen", 30), ("Baard trimmen", 30), ("Highlights", 120))
_APPOINTMENTS: Final = 25
_HOURS: Final = (9, 10, 11, 13, 14, 15, 16, 17)
_CREATED: Final = 201
_FINE: Final = range(200, 300)


@dataclass(frozen=True)
class Demo:
    """What the greeting tells of the demo."""

    organization: str
    api_key: str
    client_id: str
    summary: str


class DemoFailedError(RuntimeError):
    """The API refused a step of the demo."""


async def make_demo(cloud: Cloud, progress: Callable[[str], None]) -> Demo:
    """Make the demo through the API itself, unless an earlier run did. Raises DemoFailedError."""
    key: str | None = cloud.store.get_note("demo key")
    if key is None:
        api = _Api(cloud.session, cloud.api_url)
        cloud.warm("ContactsApiFunction", "RecordsApiFunction", "PlanNotificationsFunction")
        made = await api.call(
            "POST",
            "/v1/organizations",
            cloud.operator_key,
            {"id": ORGANIZATION, "name": "Salon Aurora", "time_zone": ZONE, "locale": "nl", "country": "NL"},
        )
        key = str(made["api_key"]["secret"])
        await api.call("POST", "/v1/integrations/notifications/activate", key)
        progress("clients")
        for number, client in enumerate(_CLIENTS, 1):
            await api.call("PUT", f"/v1/clients/{_client_id(number)}", key, _client(number, *client))
        progress("WhatsApp templates")
        await cloud.templates_approved()
        progress("appointments")
        for name, appointment in _appointments(cloud):
            await api.call("PUT", f"/v1/appointments/{name}", key, appointment)
        cloud.store.put_note("demo key", key)
    summary = (
        f"Salon Aurora ({ZONE}): {len(_CLIENTS)} clients who read Dutch, Polish, French and English, and "
        f"{_APPOINTMENTS} appointments. Move the clock on the outbox page and watch the reminders go out."
    )
    return Demo(ORGANIZATION, key, _client_id(1), summary)


class _Api:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, path: str, key: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {key}"}
        async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
            text = await response.text()
            if response.status not in _FINE:
                raise DemoFailedError(f"{method} {path} answered {response.status}: {text}")
            return await response.json(content_type=None) if text else None


def _client_id(number: int) -> str:
    return f"client-{number:02d}"


def _client(number: int, first: str, last: str, locale: str, channels: str) -> dict[str, Any]:
    """Build a client. The numbers lie in ranges that are kept free for fiction and tests."""
    phones = {"nl": "+3197010", "pl": "+4857000", "fr": "+3363998", "en": "+4477009"}
    digits = {"nl": 6, "pl": 4, "fr": 4, "en": 5}[locale]
    phone = phones[locale] + f"{number + 100:0{digits}d}"[-digits:]
    consents = dict.fromkeys(channels.split(), True)
    return {
        "first_name": first,
        "last_name": last,
        "locale": locale,
        "phone": phone,
        "email": f"client{number}@example.org",
        "enrolled": True,
        "consents": {"service": consents, "source": "demo"},
    }


def _appointments(cloud: Cloud) -> list[tuple[str, dict[str, Any]]]:
    """Spread the appointments over the next seven days, always the same way."""
    chosen = random.Random(ORGANIZATION)  # noqa: S311 - repeatable, not secret
    today = cloud.clock.now().astimezone(ZoneInfo(ZONE)).date()
    found = []
    for number in range(_APPOINTMENTS):
        day = today + timedelta(days=1 + number % 7)
        service, minutes = chosen.choice(_SERVICES)
        found.append(
            (
                f"demo-{number + 1:02d}",
                {
                    "client_id": _client_id(1 + number % len(_CLIENTS)),
                    "start": f"{day.isoformat()}T{chosen.choice(_HOURS):02d}:{chosen.choice((0, 15, 30)):02d}:00",
                    "duration_minutes": minutes,
                    "service": service,
                    "status": "booked",
                },
            )
        )
    return found
