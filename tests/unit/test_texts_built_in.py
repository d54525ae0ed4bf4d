"""Every built-in text, with typical values and with nothing but what is always there."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from carillon.adapters.rendering.checking import mistakes_in
from carillon.adapters.rendering.engine import environment
from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.locales import formats
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.samples import minimal_facts, sample_facts
from carillon.adapters.rendering.texts import all_built_in, built_in, parts, words
from carillon.domain.catalog import ROWS, Audience
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.sms import Sms, fold, is_gsm, measure
from carillon.domain.templates import BUILT_IN_LOCALES

COMBINATIONS = [(key, audience, channel, locale) for key, audience, channel, locale, _ in all_built_in()]
RENDERER = TemplateRenderer()
DANGLING = re.compile(r"\s[,.]|[,;]\s*[.,;!]|\(\s*\)|:\s*(?:$|[.,;])|\.\.|\{|\}|\bNone\b|\bTrue\b", re.MULTILINE)
"""What an absent value leaves behind: a lonely comma, an empty bracket, a label without its value."""


Place = tuple[str, Audience, Channel, str]
Texts = dict[Place, tuple[str, str]]


def rendered(place: Place, values: dict[str, object]) -> tuple[str, str]:
    key, audience, channel, locale = place
    made = RENDERER.render(key=key, audience=audience, channel=channel, locale=locale, values=values)
    return made.subject or "", made.text


def of_one_visit(facts: Facts) -> Facts:
    return replace(facts, others=(), recap=facts.recap[:1])


@pytest.fixture(scope="module")
def both() -> tuple[Texts, Texts]:
    """Every text, typical and minimal. One visit a day is typical; a second one the same day makes a longer text."""
    full = {name: build_values(of_one_visit(sample_facts(name))) for name in BUILT_IN_LOCALES}
    bare = {name: build_values(minimal_facts(name)) for name in BUILT_IN_LOCALES}
    typical, minimal = {}, {}
    for place in COMBINATIONS:
        typical[place] = rendered(place, full[place[3]])
        minimal[place] = rendered(place, bare[place[3]])
    return typical, minimal


@pytest.fixture
def typical(both: tuple[Texts, Texts]) -> Texts:
    return both[0]


@pytest.fixture
def minimal(both: tuple[Texts, Texts]) -> Texts:
    return both[1]


def test_every_row_audience_channel_and_locale_has_a_text() -> None:
    missing = [place for *place, text in all_built_in() if text is None]
    assert missing == []
    assert len(COMBINATIONS) == sum(len(row.offers) for row in ROWS.values()) * len(CHANNELS) * len(BUILT_IN_LOCALES)


def test_every_text_passes_the_check_that_own_texts_pass() -> None:
    found = []
    for *place, text in all_built_in():
        assert text is not None
        found += [(place, mistake) for mistake in mistakes_in(environment(html=False), "body", text.body)]
        found += [(place, mistake) for mistake in mistakes_in(environment(html=False), "subject", text.subject or "")]
    assert found == []


def test_no_text_shows_a_gap_where_a_value_is_absent(typical: Texts, minimal: Texts) -> None:
    faults = [
        (place, shown)
        for texts in (typical, minimal)
        for place, pair in texts.items()
        for shown in pair
        if DANGLING.search(shown) or "  " in shown or "\n\n\n" in shown or shown != shown.strip()
    ]
    assert faults == []


def test_a_channel_with_subjects_has_one_and_no_text_is_too_long(typical: Texts, minimal: Texts) -> None:
    for texts in (typical, minimal):
        for place, (subject, text) in texts.items():
            facts = CHANNELS[place[2]]
            assert bool(subject) is facts.subject, place
            assert 0 < len(text) <= facts.max_length
            assert len(subject) <= 120


def test_every_sms_fits_one_part(typical: Texts, minimal: Texts, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {place: measure(text) for place, (_, text) in typical.items() if place[2] == "sms"}
    with capsys.disabled():
        print(_table(sizes))  # noqa: T201 - the table is wanted
    assert [place for place, size in sizes.items() if size.parts != 1 or size.encoding != "GSM-7"] == []
    assert {measure(text).parts for place, (_, text) in minimal.items() if place[2] == "sms"} == {1}


def _table(sizes: dict[Place, Sms]) -> str:
    lines = [f"\n{'SMS parts (characters)':46}" + "".join(f"{locale:>10}" for locale in BUILT_IN_LOCALES)]
    for key, audience in dict.fromkeys(place[:2] for place in sizes):
        cells = [sizes[key, audience, "sms", locale] for locale in BUILT_IN_LOCALES]
        named = f"{key} / {audience}"
        lines.append(f"{named:46}" + "".join(f"{f'{cell.parts} ({cell.characters})':>10}" for cell in cells))
    return "\n".join(lines)


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
def test_every_sms_fits_one_part_on_the_day_with_the_longest_name(locale: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    longest = max(days, key=lambda day: len(fold(formats(locale, "NL").full_day(day))))
    facts = of_one_visit(sample_facts(locale))
    assert facts.appointment is not None
    assert facts.slot is not None
    start = f"{longest}T14:30:00"
    facts = replace(facts, appointment=replace(facts.appointment, start=start), slot={**facts.slot, "start": start})
    facts = replace(facts, now=datetime(longest.year, longest.month, longest.day, tzinfo=UTC) - timedelta(days=1))
    values = build_values(facts)
    sizes = {place: measure(rendered(place, values)[1]) for place in COMBINATIONS if place[2:] == ("sms", locale)}
    assert {place: size for place, size in sizes.items() if size.parts != 1} == {}


def test_an_sms_keeps_its_encoding_whatever_letters_a_name_has() -> None:
    for locale in BUILT_IN_LOCALES:
        text = built_in("reminder.day_before", "client", "sms", locale)
        assert text is not None
        assert is_gsm(text.body)


def test_no_sms_or_subject_to_a_client_names_the_service() -> None:
    """What someone has done may say something about health; it stands in the e-mail's body only."""
    for key, audience, channel, locale, text in all_built_in():
        if audience == "client" and text is not None and channel != "email":
            assert "appointment.service" not in text.body, (key, channel, locale)
        if audience == "client" and text is not None:
            assert "service" not in (text.subject or "")


def test_an_email_greets_gives_the_facts_and_says_how_to_change_them() -> None:
    subject, text = rendered(("reminder.day_before", "client", "email", "nl"), build_values(sample_facts("nl")))
    assert subject == "Herinnering aan je afspraak: dinsdag 1 december, 14:30"
    assert text.startswith("Hallo Sanne,\n\nWe zien je graag morgen bij Salon Aurora.\n\nDatum: dinsdag 1 december\n")
    assert "Wijzigen of annuleren: https://salon-aurora.example/a/42" in text
    assert "Bel +31201234567 of mail naar hello@salon-aurora.example." in text


def test_a_reminder_of_several_visits_lists_the_others() -> None:
    text = rendered(("reminder.day_before", "client", "sms", "en"), build_values(sample_facts("en")))[1]
    assert "Also that day: 14:30." in text


def test_own_reminders_and_those_without_a_text_read_as_the_general_one() -> None:
    general = built_in("reminder", "client", "sms", "pl")
    assert built_in("reminder.first", "client", "sms", "pl") == general
    assert built_in("reminder.my_own", "client", "sms", "pl") == general
    assert built_in("reminder.day_before", "collaborator", "sms", "pl") == built_in(
        "reminder", "collaborator", "sms", "pl"
    )


def test_a_key_from_outside_never_becomes_a_file_name() -> None:
    assert built_in("../pl/reminder", "client", "sms", "en") is None
    assert built_in("own.hello", "client", "sms", "en") is None


def test_the_languages_share_one_set_of_parts_and_words() -> None:
    english = parts("en")
    for locale in BUILT_IN_LOCALES:
        assert set(english["parts"]) <= set(parts(locale)["parts"]), locale
        assert set(words(locale)) == set(words("en")), locale
        assert set(parts(locale)["status"]) == set(english["status"]), locale
