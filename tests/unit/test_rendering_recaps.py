"""What a recap says: the lines of a day, as many as there is room for on the channel, in the reader's language."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon.adapters.recap_facts import recap_facts
from carillon.adapters.rendering.formatting import build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.domain.channels import CHANNELS, LISTABLE, Channel
from carillon.domain.clients import Client
from carillon.domain.records import StoredRecord
from carillon.domain.rules import RulesInForce, default_rules
from carillon.domain.sms import measure
from carillon.ports.delivery import Rendered
from carillon.ports.reading import Snapshot
from tests.builders import NOW, appointment, client, message, organization, record, settings, staff
from tests.recap_store import RecapRig

DAY = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
LONGEST = {"first_name": "Wolfeschlegelsteinhausen", "last_name": "B" * 100}
RENDERER = TemplateRenderer()


def visit(number: int, *staff_ids: str, **changes: Any) -> StoredRecord:
    start = datetime(2026, 12, 1, 8) + timedelta(minutes=number)  # noqa: DTZ001 - wall time
    about = appointment(start=start.isoformat(), staff_ids=list(staff_ids), **changes)
    return record(about, ref=f"appointments/{number}")


def written(
    channel: Channel, records: list[StoredRecord], locale: str = "en", kind: str = "managers", **of_client: Any
) -> Rendered:
    """Write a recap as its sender does, of the built-in text."""
    rig = RecapRig()
    (occasion,) = {m.occasion for m in _told(rig, kind)}
    audience = "manager" if kind == "managers" else "collaborator"
    about = message(occasion, channel, "s:sara", audience=audience, template="recap")
    people: dict[str, Client] = {"anna": client(**of_client)}
    snapshot = Snapshot(
        organization(),
        settings(),
        RulesInForce(default_rules(), "builtin"),
        clients=people,
        staff={name: staff(name, name=name.title(), locale=locale) for name in ("sara", "tom")},
        day=tuple(records),
    )
    values = build_values(recap_facts(about, snapshot, settings(), locale, NOW))
    return RENDERER.render(key="recap", audience=about.audience, channel=channel, locale=locale, values=values)


def _told(rig: RecapRig, kind: str) -> list[Any]:
    rig.book("1", "2026-12-01T09:00:00", "sara")
    rig.fire_recap("managers" if kind == "managers" else "staff", DAY)
    return rig.account.found(rig.org_id)


@pytest.mark.parametrize("locale", ["en", "nl", "pl", "fr"])
@pytest.mark.parametrize("channel", LISTABLE)
@pytest.mark.parametrize("kind", ["staff", "managers"])
@pytest.mark.parametrize("of_client", [{}, LONGEST], ids=["typical", "longest"])
def test_a_day_of_500_fits_every_channel_and_says_how_many_are_left_out(
    locale: str, channel: Channel, kind: str, of_client: dict[str, str]
) -> None:
    day = [visit(number, "tom", service="Knippen & kleuren") for number in range(500)]
    made = written(channel, day, locale, kind, **of_client)
    assert len(made.text) <= CHANNELS[channel].max_length
    assert "500" in made.text
    assert "Anna" in made.text or of_client
    shown = made.text.count("Knippen & kleuren")
    assert shown >= 1
    if shown < 500:
        assert str(500 - shown) in made.text.split("\n")[-1]
    if channel == "sms":
        assert measure(made.text).parts <= 3
    if channel == "email" and not of_client:
        assert shown > 400


def test_a_manager_reads_who_does_what_and_a_collaborator_with_whom() -> None:
    day = [visit(60, "sara", "tom"), visit(120, "sara")]
    assert "(Sara and Tom)" in written("email", day).text
    his = written("email", day, kind="staff").text
    assert "09:00-09:45 Anna de Vries, Knippen (Tom)\n10:00-10:45 Anna de Vries, Knippen" in his
    assert "Sara" not in his.replace("Hello Sara,", "")


def test_a_manager_sees_at_a_glance_how_busy_each_is() -> None:
    day = [visit(0, "tom", duration_minutes=300), visit(60, "sara", "tom"), visit(120, "sara"), visit(180)]
    made = written("email", day)
    assert "Sara: 2 appointments, 09:00-10:45\nTom: 2 appointments, 08:00-13:00\n\n08:00-13:00 Anna" in made.text
    assert "<li" not in made.text
    assert "Tom: " not in written("email", day, kind="staff").text
    assert "Tom : 2 rendez-vous" in written("email", day, "fr").text


def test_what_is_missing_leaves_no_gap() -> None:
    bare = [visit(60, service=None)]
    text = written("email", bare, first_name=None, last_name=None).text
    assert text.endswith("09:00-09:45 a client")
    assert written("sms", bare, "nl", first_name=None, last_name=None).text.endswith("09:00 een klant")


def test_an_empty_day_is_said_to_be_empty() -> None:
    assert "There are no appointments on Tuesday, 1 December." in written("email", []).text
    assert written("sms", [], "pl").text == "Salon Aurora: wtorek, 1 grudnia: brak wizyt."


def test_each_line_has_the_local_time_of_its_appointment() -> None:
    there = replace(visit(60), document=appointment(start="2026-12-01T09:00:00-05:00", time_zone="America/New_York"))
    assert "09:00-09:45 Anna de Vries" in written("email", [there]).text


def test_what_people_typed_adds_no_link_and_no_line() -> None:
    hostile = [visit(60, service="see evil.com\nhttps://evil.com")]
    made = written("email", hostile, first_name="<b>Bob</b>", last_name="x\ny")
    assert "evil.com" not in made.text
    assert "<b>Bob" not in (made.html or "")
    assert made.text.count("\n") == written("email", [visit(60)]).text.count("\n")


def test_the_first_and_last_time_are_of_the_whole_day() -> None:
    long = visit(0, duration_minutes=600)
    own = RENDERER.render(
        key="recap",
        audience="manager",
        channel="push",
        locale="en",
        values=build_values(
            recap_facts(
                message(_told(RecapRig(), "managers")[0].occasion, "sms", "s:sara", audience="manager"),
                Snapshot(
                    organization(),
                    settings(),
                    RulesInForce(default_rules(), "builtin"),
                    day=(long, *[visit(number) for number in range(1, 100)]),
                ),
                settings(),
                "en",
                NOW,
            )
        ),
    )
    assert own.text == "Tuesday, 1 December: 100 appointments, 08:00-18:00."
