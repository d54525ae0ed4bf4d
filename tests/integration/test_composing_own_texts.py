"""Messages take the organization's own texts in the contract's order of fallback, at no call where there are none."""

from dataclasses import replace
from typing import Any

import pytest

from carillon.adapters.aws import client as aws_client
from carillon.adapters.composing import TemplateComposer
from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.table import Table
from carillon.domain.channels import Channel
from carillon.domain.decide import obstacle
from carillon.domain.decisions import Facts
from carillon.domain.messages import Message, Occasion
from carillon.domain.organizations import Organization
from carillon.domain.recipients import client_recipient
from carillon.domain.rules import RulesInForce, default_rules
from carillon.domain.same_day import Day, mark_of
from carillon.domain.settings import Settings
from carillon.ports.delivery import Rendered, RenderingFailed
from carillon.ports.reading import Snapshot, Want
from carillon.ports.texts import StoredTemplate, Submitted
from tests import builders
from tests.integration.account import Aws, activate, call, new_organization

HX = "HX" + "b" * 32
SHARED = "HX" + "0" * 32


class Connected:
    """Stands in for what the deployment is connected to."""

    def connected(self, organization: Organization, settings: Settings) -> frozenset[Channel]:  # noqa: ARG002
        return frozenset({"email", "sms", "whatsapp"})

    def whatsapp_templates(
        self,
        organization: Organization,  # noqa: ARG002
        settings: Settings,  # noqa: ARG002
    ) -> frozenset[tuple[str, str, str]]:
        return frozenset({("reminder.day_before", "client", "nl")})


class Desk:
    """Composes messages about appointment 42 in one process, from what the table says of the organization."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.table = Table(aws_client("dynamodb"), aws.environment["TABLE_NAME"])
        self.composer = TemplateComposer(self.table, Connected(), aws.clock)
        ContentTemplates(self.table, aws.clock).put(
            StoredTemplate(
                "reminder.day_before",
                "client",
                "nl",
                Submitted("n", SHARED, "Tot {{ appointment.time }}", {"1": "appointment.time"}, "approved"),
            )
        )

    def snapshot(self, locale: str | None = None, **client: Any) -> Snapshot:
        read = DynamoReader(self.table).read([Want("aurora", texts=True)])[0]
        record = builders.record()
        return replace(read, record=record, clients={"anna": builders.client(locale=locale, **client)})

    def text(self, locale: str | None = None, **message: Any) -> str:
        return self.compose(locale, **message).text

    def compose(self, locale: str | None = None, **message: Any) -> Rendered:
        return self.composer.compose(self.message(**message), self.snapshot(locale))

    def message(
        self, channel: Channel = "sms", template: str = "reminder.day_before", occasion: Occasion | None = None
    ) -> Message:
        return builders.message(occasion, channel, template=template)


@pytest.fixture
def desk(aws: Aws) -> Desk:
    new_organization()
    activate()
    return Desk(aws)


def write(locale: str, body: str, key: str = "reminder.day_before", channel: str = "sms", **more: Any) -> None:
    path = f"/v1/templates/{key}/client/{channel}/{locale}"
    answer = call("PUT", path, {"body": body} | more, headers={"if-match": "*"})
    assert answer.status in (200, 201), answer.body


def give_up(locale: str, key: str = "reminder.day_before", channel: str = "sms") -> None:
    assert call("DELETE", f"/v1/templates/{key}/client/{channel}/{locale}").status == 204


# Each row: own texts as (key, locale), the reader's locale, and which of them is sent (None: the built-in one).
ORDER: list[tuple[list[tuple[str, str]], str | None, tuple[str, str] | None]] = [
    ([], "nl", None),
    ([("reminder", "nl")], "nl", ("reminder", "nl")),
    ([("reminder", "nl"), ("reminder.day_before", "nl")], "nl", ("reminder.day_before", "nl")),
    ([("reminder", "nl-BE"), ("reminder.day_before", "nl")], "nl-BE", ("reminder", "nl-BE")),
    ([("reminder.day_before", "nl")], "nl-BE", ("reminder.day_before", "nl")),
    ([("reminder.day_before", "nl-BE")], "nl", None),
    ([("reminder.day_before", "nl")], "pl", None),
    ([("reminder.day_before", "nl")], "de", ("reminder.day_before", "nl")),
    ([("reminder.day_before", "nl"), ("reminder", "de")], "de-AT", ("reminder", "de")),
    ([("reminder.day_before", "en")], "de", None),
    ([("reminder.day_before", "nl")], None, ("reminder.day_before", "nl")),
    ([("reminder.hour_before", "nl")], "nl", None),
]


@pytest.mark.parametrize(("own", "reader", "sent"), ORDER)
def test_the_order_of_fallback(
    desk: Desk, own: list[tuple[str, str]], reader: str | None, sent: tuple[str, str] | None
) -> None:
    for key, locale in own:
        write(locale, f"[{key} {locale}]", key)
    text = desk.text(reader)
    assert text == f"[{sent[0]} {sent[1]}]" if sent else "[" not in text
    assert sent or text


def test_an_organizations_locale_of_another_language_without_texts_ends_in_english(desk: Desk) -> None:
    call("PUT", "/v1/settings", {"locale": "es"}, headers={"if-match": "*"})
    write("en", "[en]")
    assert desk.text("de") == "[en]"
    write("es", "[es]")
    assert desk.text("de") == "[es]"
    assert desk.text("fr") not in ("[es]", "[en]")


def test_days_and_times_are_written_in_the_readers_locale_or_in_that_of_the_text(desk: Desk) -> None:
    write("nl", "{{ appointment.weekday }}")
    assert desk.text("nl-BE") == "dinsdag"
    assert desk.text("de") == "dinsdag", "a Dutch text has Dutch days, whoever reads it"
    write("de", "{{ appointment.weekday }}")
    assert desk.text("de-AT") == "Dienstag"


def test_an_email_takes_subject_and_html_of_the_own_text(desk: Desk) -> None:
    write(
        "nl", "Tot dan", channel="email", subject="Morgen, {{ client.first_name }}", html="<p>{{ client.first_name }}"
    )
    rendered = desk.compose(channel="email")
    assert (rendered.subject, rendered.html) == ("Morgen, Anna", "<p>Anna")


def test_a_rules_own_key_is_sent_and_the_events_text_once_it_is_given_up(desk: Desk) -> None:
    booked = Occasion(builders.REF, event="appointment.booked", version=1)
    built_in = desk.text(template="appointment.booked.console", occasion=booked)
    write("nl", "[welcome]", "own.welcome")
    assert desk.text(template="own.welcome", occasion=booked) == "[welcome]"
    assert desk.text("fr", template="own.welcome", occasion=booked) == "[welcome]", (
        "an own key without a French text has the organization's"
    )
    give_up("nl", "own.welcome")
    assert desk.text(template="own.welcome", occasion=booked) == built_in
    write("nl", "[booked]", "appointment.booked.console")
    assert desk.text(template="own.welcome", occasion=booked) == "[booked]"


def test_a_change_counts_for_the_next_message_in_a_process_that_remembers_texts(desk: Desk) -> None:
    for body in ("[one]", "[two]"):
        write("nl", body)
        assert desk.text("nl") == body
    give_up("nl")
    assert "[" not in desk.text("nl")


def test_without_own_texts_nothing_more_is_read_and_with_one_it_is_read_once(desk: Desk) -> None:
    desk.aws.calls.clear()
    desk.text("nl")
    assert desk.aws.calls == ["BatchGetItem"]
    write("nl", "[own]")
    desk.aws.calls.clear()
    for _ in range(3):
        assert desk.text("nl") == "[own]"
    assert desk.aws.calls == ["BatchGetItem", "GetItem", "BatchGetItem", "BatchGetItem"]
    desk.aws.calls.clear()
    desk.text("pl")
    assert desk.aws.calls == ["BatchGetItem"], "what others read is not this reader's cost"


def test_a_text_given_up_between_the_list_and_its_reading_is_passed_over(desk: Desk) -> None:
    write("nl", "[own]")
    snapshot = desk.snapshot("nl")
    give_up("nl")
    assert "[own]" not in desk.composer.compose(desk.message(), snapshot).text


# --- WhatsApp --------------------------------------------------------------------------------------------------------


def test_whatsapp_sends_the_own_approved_template_and_keeps_free_text_for_replies(desk: Desk) -> None:
    assert desk.compose(channel="whatsapp").content_sid == SHARED
    write("nl", "Hoi {{ client.first_name }}", channel="whatsapp")
    assert desk.compose(channel="whatsapp").content_sid == SHARED, "free text opens no conversation"
    write("nl", "Hoi {{ client.first_name }}", channel="whatsapp", whatsapp=content())
    rendered = desk.compose(channel="whatsapp")
    assert (rendered.content_sid, rendered.text) == (HX, "Hoi Anna")
    assert dict(rendered.variables) == {"1": "Anna", "2": "14:30"}


def test_an_own_whatsapp_template_opens_the_channel_where_no_built_in_one_is_approved(desk: Desk) -> None:
    assert blocked(desk, "reminder.hour_before") == "whatsapp_template_missing"
    write("nl", "Zo meteen", "reminder", "whatsapp")
    assert blocked(desk, "reminder.hour_before") == "whatsapp_template_missing"
    write("nl", "Zo meteen", "reminder", "whatsapp", whatsapp=content())
    assert blocked(desk, "reminder.hour_before") is None
    assert blocked(desk, "reminder.hour_before", "pl") == "whatsapp_template_missing"
    assert desk.compose(channel="whatsapp", template="reminder.hour_before").content_sid == HX
    give_up("nl", "reminder", "whatsapp")
    assert blocked(desk, "reminder.hour_before") == "whatsapp_template_missing"
    with pytest.raises(RenderingFailed):
        desk.compose(channel="whatsapp", template="reminder.hour_before")


def content() -> dict[str, Any]:
    return {"content_sid": HX, "variables": {"1": "client.first_name", "2": "appointment.time"}}


def blocked(desk: Desk, template: str, locale: str = "nl") -> str | None:
    snapshot = desk.snapshot(locale)
    assert snapshot.organization is not None
    assert snapshot.settings is not None
    person = builders.client(locale=locale)
    facts = Facts(
        organization=snapshot.organization,
        settings=snapshot.settings,
        rules=RulesInForce(default_rules(), "builtin"),
        record=builders.record(),
        client=person,
        staff={},
        connected=frozenset({"whatsapp"}),
        own_texts=snapshot.own_texts,
    )
    return obstacle(client_recipient(person, snapshot.settings), "whatsapp", template, "service", facts).reason


LATER = builders.record(
    builders.appointment(start="2026-12-01T16:00:00", service="Kleuren"), ref="appointments/43", start=builders.START
)
MARK = mark_of(LATER, "Europe/Amsterdam")


def of_the_day(desk: Desk, channel: Channel) -> Rendered:
    snapshot = replace(desk.snapshot("nl"), same_day=Day(later=(LATER,)))
    return desk.composer.compose(desk.message(channel), snapshot)


@pytest.mark.parametrize("channel", ["email", "sms", "telegram", "push"])
def test_the_others_of_the_day_are_listed_and_the_message_says_which(desk: Desk, channel: Channel) -> None:
    made = of_the_day(desk, channel)
    assert "16:00" in made.text
    assert made.listed == (MARK,)
    assert desk.compose("nl", channel=channel).listed == ()


def test_an_approved_template_gives_all_times_where_it_gives_the_time(desk: Desk) -> None:
    made = of_the_day(desk, "whatsapp")
    assert made.content_sid == SHARED
    assert made.variables == {"1": "14:30 en 16:00"}
    assert made.listed == (MARK,)


def test_a_text_of_its_own_that_lists_nothing_says_so(desk: Desk) -> None:
    write("nl", "Tot {{ appointment.time }}!")
    made = of_the_day(desk, "sms")
    assert (made.text, made.listed) == ("Tot 14:30!", ())
    write("nl", "Tot {{ appointment.time }}{% for other in reminder.others %}, {{ other.time }}{% endfor %}!")
    made = of_the_day(desk, "sms")
    assert (made.text, made.listed) == ("Tot 14:30, 16:00!", (MARK,))


def test_an_own_approved_template_without_the_time_lists_nothing(desk: Desk) -> None:
    write("nl", "Tot dan", channel="whatsapp", whatsapp={"content_sid": HX, "variables": {"1": "client.first_name"}})
    made = of_the_day(desk, "whatsapp")
    assert (made.content_sid, made.listed) == (HX, ())
