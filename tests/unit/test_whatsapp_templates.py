"""WhatsApp templates: made of the built-in texts, within Meta's rules, and kept in step with them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
import urllib3

from carillon.adapters.providers.twilio_content import TwilioContent
from carillon.adapters.rendering.approved import BuiltInApproved
from carillon.adapters.rendering.renderer import TemplateRenderer, fill
from carillon.adapters.rendering.samples import empty_values, sample_values
from carillon.domain.catalog import ROWS
from carillon.domain.templates import BUILT_IN_LOCALES
from carillon.domain.variables import Leaf, find
from carillon.domain.whatsapp import ApprovedText, approved_text, faults
from carillon.ports.texts import ContentRefused, StoredTemplate, Submitted
from carillon.services.whatsapp_templates import WhatsAppTemplates

TEXTS = BuiltInApproved().approved()


def text(words: str = "Hello {{ client.first_name }}, see you soon.", key: str = "reminder") -> ApprovedText:
    return approved_text(key, "client", "en", words, {"client.first_name": "Anna"})


class Texts:
    def __init__(self, *texts: ApprovedText) -> None:
        self.texts = texts

    def approved(self) -> Sequence[ApprovedText]:
        return self.texts


class Store:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str, str], StoredTemplate] = {}
        self.puts = 0

    def all(self) -> list[StoredTemplate]:
        return list(self.items.values())

    def put(self, template: StoredTemplate) -> None:
        self.puts += 1
        self.items[template.key, template.audience, template.locale] = template

    def find(self, key: str, audience: str, locale: str) -> StoredTemplate | None:
        return self.items.get((key, audience, locale))


class Api:
    """Twilio with an approval that is `pending` until `verdict` says something else."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.verdict = "pending"
        self.refuse: set[str] = set()
        self.calls: list[str] = []

    def names(self) -> dict[str, str]:
        self.calls.append("names")
        return dict(self.made)

    def create(self, text: ApprovedText) -> str:
        self.calls.append("create")
        if text.name in self.refuse:
            raise ContentRefused("400 too bad")
        self.made[text.name] = f"HX{len(self.made)}"
        return self.made[text.name]

    def submit(self, content_sid: str, text: ApprovedText) -> str:  # noqa: ARG002
        self.calls.append("submit")
        return "received"

    def status(self, content_sid: str) -> str:  # noqa: ARG002
        self.calls.append("status")
        return self.verdict


def test_every_row_has_a_template_for_each_audience_and_language() -> None:
    rows = {(key, audience) for key, row in ROWS.items() for audience in row.offers}
    covered = {(found.key, found.audience) for found in TEXTS}
    # A reminder without words of its own goes out as the general one.
    missing = {(key, audience) for key, audience in rows - covered if ROWS[key].falls_back_to is None}
    assert missing == set()
    assert {found.locale for found in TEXTS} == set(BUILT_IN_LOCALES)


def test_every_template_keeps_the_rules_of_approval() -> None:
    assert [(found.name, fault) for found in TEXTS for fault in faults(found)] == []


def test_every_variable_is_known_and_has_a_sample() -> None:
    for found in TEXTS:
        assert list(found.variables) == [str(number) for number in range(1, len(found.variables) + 1)]
        assert all(isinstance(find(tuple(path.split("."))), Leaf) for path in found.variables.values())
        assert all(found.samples[number].strip() for number in found.variables)


def test_no_variable_is_ever_empty_whatever_is_absent() -> None:
    values = empty_values()
    for found in TEXTS:
        assert all(value.strip() for value in fill(found.variables, values, found.locale).values())


def test_values_hold_no_line_breaks_or_wide_spaces() -> None:
    values = sample_values("en")
    values["client"]["first_name"] = "Anna\n\tMaria      x"
    assert fill({"1": "client.first_name"}, values, "en") == {"1": "Anna Maria x"}


def test_audiences_that_read_the_same_words_share_a_template() -> None:
    names = {found.audience: found.name for found in TEXTS if (found.key, found.locale) == ("order.assigned", "en")}
    assert len(names) == 2
    assert len(set(names.values())) == 1


def test_a_review_request_is_marketing_and_the_rest_is_not() -> None:
    assert {found.key for found in TEXTS if found.marketing} == {"review"}


def test_a_changed_text_has_another_name() -> None:
    assert text().name.startswith("carillon_reminder_en_")
    assert text("Hello {{ client.first_name }}, see you then.").name != text().name


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("{{ client.first_name }}, see you soon then.", "begins or ends"),
        ("See you soon then {{ client.first_name }}", "begins or ends"),
        ("Hello {{ client.first_name }} {{ client.last_name }}, see you soon.", "next to each other"),
        ("Hello {{ client.first_name }}!", "words"),
        ("Hello {{ client.first_name }}, see\nyou soon.", "line breaks"),
        ("Hello {% if x %}there{% endif %}, see you {{ client.first_name }} soon.", "plain"),
        ("Hello {{ client.first_name }}, " + "see you soon " * 90, "longer"),
    ],
)
def test_words_that_meta_would_reject_are_named(words: str, fault: str) -> None:
    samples = {"client.first_name": "Anna", "client.last_name": "Bee"}
    found = faults(approved_text("reminder", "client", "en", words, samples))
    assert any(fault in entry for entry in found)


def test_a_filled_template_reads_as_the_person_will_see_it() -> None:
    current = Submitted(text().name, "HX1", text().text, text().variables, "approved")
    made = TemplateRenderer().render_approved(content=current, values=empty_values(), locale="nl")
    assert (made.content_sid, made.variables) == ("HX1", {"1": "daar"})
    assert made.text == "Hello daar, see you soon."


def test_the_first_run_makes_hands_in_and_stores_every_template() -> None:
    api, store = Api(), Store()
    report = WhatsAppTemplates(Texts(text()), api, store).sync()
    assert (report.created, report.statuses, report.refused) == (1, {"pending": 1}, [])
    assert store.items["reminder", "client", "en"].current == Submitted(
        text().name, "HX0", text().text, {"1": "client.first_name"}, "pending"
    )


def test_a_second_run_makes_nothing_and_asks_about_what_waits() -> None:
    api, store = Api(), Store()
    service = WhatsAppTemplates(Texts(text()), api, store)
    service.sync()
    api.verdict, api.calls = "approved", []
    assert service.sync().statuses == {"approved": 1}
    assert api.calls == ["status"]
    api.calls, store.puts = [], 0
    service.sync()
    assert (api.calls, store.puts) == ([], 0)


def test_a_run_that_ended_before_storing_is_taken_up_by_name() -> None:
    api = Api()
    api.made[text().name] = "HX9"
    store = Store()
    report = WhatsAppTemplates(Texts(text()), api, store).sync()
    assert report.created == 0
    assert store.items["reminder", "client", "en"].current.content_sid == "HX9"


def test_a_changed_text_takes_over_only_once_it_is_approved() -> None:
    api, store = Api(), Store()
    api.verdict = "approved"
    WhatsAppTemplates(Texts(text()), api, store).sync()
    WhatsAppTemplates(Texts(text()), api, store).sync()
    changed = text("Hello {{ client.first_name }}, see you then.")
    api.verdict = "pending"
    service = WhatsAppTemplates(Texts(changed), api, store)
    service.sync()
    stored = store.items["reminder", "client", "en"]
    assert (stored.current.name, stored.current.status) == (text().name, "approved")
    assert stored.waiting is not None
    assert stored.waiting.name == changed.name
    api.verdict = "approved"
    service.sync()
    stored = store.items["reminder", "client", "en"]
    assert (stored.current.name, stored.waiting) == (changed.name, None)


def test_a_refusal_of_one_text_does_not_keep_the_others() -> None:
    api, store = Api(), Store()
    other = text(key="review")
    api.refuse = {text().name}
    report = WhatsAppTemplates(Texts(text(), other), api, store).sync()
    assert [line.split(":")[0] for line in report.refused] == [text().name]
    assert set(store.items) == {("review", "client", "en")}


class Http:
    """Stands in for the connection pool: answers in order, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []

    def request(self, method: str, url: str, *, headers: dict[str, str], body: str | None) -> urllib3.HTTPResponse:
        self.asked.append((method, url, json.loads(body) if body else None, headers))
        status, answer = self.answers.pop(0)
        return urllib3.HTTPResponse(body=json.dumps(answer).encode(), status=status)


def twilio(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, Any]) -> tuple[TwilioContent, Http]:
    http = Http(*answers)
    monkeypatch.setattr(urllib3, "PoolManager", lambda **_: http)
    return TwilioContent("AC1", "secret", base_url="https://twilio.example/"), http


def test_twilio_is_asked_to_make_and_approve_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    api, http = twilio(monkeypatch, (201, {"sid": "HX1"}), (201, {"status": "received"}))
    assert api.create(text()) == "HX1"
    assert api.submit("HX1", text()) == "received"
    assert http.asked[0][:3] == (
        "POST",
        "https://twilio.example/v1/Content",
        {
            "friendly_name": text().name,
            "language": "en",
            "variables": {"1": "Anna"},
            "types": {"twilio/text": {"body": "Hello {{1}}, see you soon."}},
        },
    )
    assert http.asked[1][:3] == (
        "POST",
        "https://twilio.example/v1/Content/HX1/ApprovalRequests/whatsapp",
        {"name": text().name, "category": "UTILITY"},
    )
    assert http.asked[0][3]["authorization"].startswith("Basic ")


def test_twilios_pages_are_all_read_from_the_configured_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    following = "https://elsewhere.example/v1/Content?PageSize=500&Page=1"
    api, http = twilio(
        monkeypatch,
        (200, {"contents": [{"friendly_name": "a", "sid": "HX1"}], "meta": {"next_page_url": following}}),
        (200, {"contents": [{"friendly_name": "b", "sid": "HX2"}], "meta": {"next_page_url": None}}),
    )
    assert api.names() == {"a": "HX1", "b": "HX2"}
    assert http.asked[1][1] == "https://twilio.example/v1/Content?PageSize=500&Page=1"


def test_an_approval_that_was_never_asked_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = twilio(monkeypatch, (200, {"sid": "HX1"}), (200, {"whatsapp": {"status": "approved"}}))
    assert [api.status("HX1"), api.status("HX1")] == ["unsubmitted", "approved"]


def test_a_refusal_says_why_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = twilio(monkeypatch, (400, {"code": 20001, "message": "Bad request"}))
    with pytest.raises(ContentRefused, match="400 20001 Bad request") as refused:
        api.create(text())
    assert "secret" not in str(refused.value)


def test_the_samples_a_reviewer_sees_are_in_the_templates_language() -> None:
    dutch = next(found for found in TEXTS if (found.key, found.audience, found.locale) == ("reminder", "client", "nl"))
    assert list(dutch.samples.values()) == ["Sanne", "Salon Aurora", "dinsdag 1 december", "14:30"]
