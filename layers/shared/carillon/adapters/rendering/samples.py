"""Sample data for previews and for trying a text before it is stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from carillon.adapters.rendering.formatting import Facts, Visit, build_values
from carillon.domain.clients import Client, Staff
from carillon.domain.record_documents import Appointment, Price
from carillon.domain.settings import Contact, Review, Settings

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
_NAMES = {
    "nl": ("Sanne", "de Vries", "Marieke", "Knippen & drogen"),
    "pl": ("Małgorzata", "Wiśniewska", "Łukasz", "Strzyżenie i modelowanie"),
    "fr": ("Hélène", "Lefèvre", "François", "Coupe et brushing"),
}
_ENGLISH = ("Anna", "Baker", "Marek", "Cut and blow-dry")
_VISIT = Appointment(
    client_id="1",
    staff_ids=["7"],
    start="2026-12-01T14:30:00",
    duration_minutes=45,
    location="Prinsengracht 12",
    price=Price(amount=45, currency="EUR"),
    manage_url="https://salon-aurora.example/a/42",
    payment_url="https://salon-aurora.example/pay/42",
    status="booked",
)
_SLOT = {"start": "2026-12-01T14:30:00", "booking_url": "https://salon-aurora.example/b/9"}
_ORDER = {
    "number": "2026-117",
    "summary": "2 shampoos",
    "status": "ready",
    "total": {"amount": 38.5, "currency": "EUR"},
    "due": "2026-12-04",
}
_LEAD = {"phone": "+31612345678", "email": "anna@example.com", "status": "new"}
_TASK = {"title": "Call the supplier", "status": "open", "due": "2026-12-02", "record": "orders/117"}


def sample_settings(locale: str = "en") -> Settings:
    """An organization with everything filled in."""
    return Settings(
        name="Salon Aurora",
        time_zone="Europe/Amsterdam",
        locale=locale,
        country="NL",
        contact=Contact(
            email="hello@salon-aurora.example",
            phone="+31201234567",
            address="Prinsengracht 12, Amsterdam",
            website="https://salon-aurora.example",
        ),
        review=Review(url="https://salon-aurora.example/review"),
    )


def sample_facts(locale: str = "en", settings: Settings | None = None) -> Facts:
    """Facts of typical length, in which every variable has a value."""
    first, last, staff, service = _NAMES.get(locale.split("-", 1)[0], _ENGLISH)
    visit = replace(_VISIT, service=service)
    later = Visit(appointment=visit, client=f"{first} {last}", staff_names=[staff])
    return Facts(
        settings=settings or sample_settings(locale),
        locale=locale,
        now=NOW,
        client=Client(id="1", first_name=first, last_name=last),
        staff=Staff(id="7", name=staff),
        staff_names=[staff],
        appointment=visit,
        others=[later],
        reminder_key="day_before",
        lead_time=timedelta(hours=24),
        recap_day=date(2026, 12, 1),
        recap=[later, later, later],
        recap_room=(2, 1000),
        recap_of_all=True,
        slot={**_SLOT, "service": service, "staff": staff},
        order=_ORDER,
        lead={**_LEAD, "name": f"{first} {last}", "summary": service},
        task={**_TASK, "author": staff},
        preferences_url="https://carillon.example/p/x7Kq2",
        unsubscribe_url="https://carillon.example/u/x7Kq2",
    )


def sample_values(locale: str = "en", settings: Settings | None = None) -> dict[str, Any]:
    """Every variable, with typical values."""
    return build_values(sample_facts(locale, settings))


def minimal_facts(locale: str = "en") -> Facts:
    """Facts with nothing but what is always there; no review is asked for without its address."""
    review = Review(url="https://salon-aurora.example/review")
    settings = Settings(name="Salon Aurora", time_zone="Europe/Amsterdam", locale=locale, country="NL", review=review)
    return Facts(
        settings=settings,
        locale=locale,
        now=NOW,
        client=Client(id="1"),
        appointment=Appointment(client_id="1", start="2026-12-01T14:30:00", duration_minutes=30, status="booked"),
        recap_day=date(2026, 12, 1),
        slot={},
        order={"number": "117", "status": "ready"},
        lead={"status": "new"},
        task={"title": "Call the supplier", "status": "open"},
    )


def minimal_values(locale: str = "en") -> dict[str, Any]:
    """Variables of which only those have a value that always do."""
    return build_values(minimal_facts(locale))


def empty_values() -> dict[str, Any]:
    """Variables without any record at all."""
    settings = Settings(name="Salon Aurora", time_zone="Europe/Amsterdam", locale="en", country="NL")
    return build_values(Facts(settings=settings, locale="en", now=NOW))
