"""Which text is looked for first: the contract's order over own, general and built-in texts and over languages."""

from carillon.domain.templates import Candidate, candidates, choose_locale
from carillon.domain.variables import TREE, names


def own(key: str, locale: str) -> Candidate:
    return Candidate(True, key, locale)


def built_in(key: str, locale: str) -> Candidate:
    return Candidate(False, key, locale)


def test_the_recipients_locale_comes_before_its_language_and_own_before_built_in() -> None:
    assert candidates("reminder.day_before", "nl-BE", "pl") == [
        own("reminder.day_before", "nl-BE"),
        own("reminder", "nl-BE"),
        own("reminder.day_before", "nl"),
        own("reminder", "nl"),
        built_in("reminder.day_before", "nl"),
    ]


def test_a_language_without_built_in_texts_goes_on_to_the_organizations_locale() -> None:
    assert candidates("appointment.requested", "de", "pl") == [
        own("appointment.requested", "de"),
        own("appointment.requested", "pl"),
        built_in("appointment.requested", "pl"),
    ]


def test_english_comes_last() -> None:
    assert candidates("recap", "de", "es")[-1] == built_in("recap", "en")
    assert choose_locale("de", "es") == "en"
    assert choose_locale("de", "fr-CH") == "fr-CH"
    assert choose_locale("nl-BE", "fr") == "nl-BE"
    assert choose_locale(None, "pl") == "pl"


def test_an_own_reminder_falls_back_to_the_general_text() -> None:
    assert candidates("reminder.mine", None, "en") == [
        own("reminder.mine", "en"),
        own("reminder", "en"),
        built_in("reminder.mine", "en"),
    ]


def test_an_own_key_has_no_built_in_text() -> None:
    assert candidates("own.hello", "fr", "nl") == [
        own("own.hello", "fr"),
        own("own.hello", "nl"),
        own("own.hello", "en"),
    ]


def test_the_catalog_lists_every_variable_once() -> None:
    listed = names()
    assert len({entry["name"] for entry in listed}) == len(listed)
    by_name = {entry["name"]: entry for entry in listed}
    assert by_name["client.first_name"] == {"name": "client.first_name", "list": False}
    assert by_name["fields.*"] == {"name": "fields.*", "list": False}
    assert by_name["recap.items"]["list"] is True
    assert "time" in by_name["recap.items"]["fields"]
    assert {entry["name"].split(".")[0] for entry in listed} == set(TREE.members)
