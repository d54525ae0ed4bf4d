"""Messages as people read them: values are data, whoever typed them."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.adapters.rendering.formatting import build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.samples import empty_values, sample_facts, sample_values
from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.clients import Client
from carillon.domain.sms import measure
from carillon.domain.templates import OwnText
from carillon.ports.delivery import Rendered, RenderingFailed

RENDERER = TemplateRenderer()


def own(body: str, *, channel: Channel = "sms", first_name: str = "Anna", **more: Any) -> Rendered:
    facts = replace(sample_facts("en"), client=Client(id="1", first_name=first_name))
    text = OwnText(body=body, **more)
    return RENDERER.render(
        key="own.hello", audience="client", channel=channel, locale="en", values=build_values(facts), own=text
    )


def built_in(values: dict[str, object], *, channel: Channel = "email", audience: Audience = "client") -> Rendered:
    return RENDERER.render(
        key="appointment.booked.console", audience=audience, channel=channel, locale="en", values=values
    )


class Markup(HTMLParser):
    """Collects the tags and the addresses of links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_an_absent_value_renders_as_nothing() -> None:
    text = RENDERER.render(
        key="own.x", audience="client", channel="sms", locale="en", values=empty_values(),
        own=OwnText(body="a{{ client.first_name }}b{{ appointment.date }}c{{ fields.none }}d"),
    ).text  # fmt: skip
    assert text == "abcd"


def test_a_text_that_renders_as_nothing_is_a_failure_and_not_an_empty_message() -> None:
    with pytest.raises(RenderingFailed):
        own("{% if client.last_name %}Hello{% endif %}")


def test_a_template_that_fails_on_its_values_is_a_failure() -> None:
    with pytest.raises(RenderingFailed):
        own("{{ 'a' if fields.count > 3 else 'b' }}")


def test_markup_in_a_value_is_escaped_in_the_html_part() -> None:
    evil = "<img src=x onerror=alert(1)>&\"'"
    for made in (
        own("Hi {{ client.first_name }}", channel="email", first_name=evil),
        own(
            "x", channel="email", first_name=evil, html='<p title="{{ client.first_name }}">{{ client.first_name }}</p>'
        ),
    ):
        assert made.html is not None
        assert "<img" not in made.html
        assert "&lt;img" in made.html


def test_a_value_cannot_add_a_line_to_the_subject() -> None:
    made = own("x", channel="email", first_name="Anna\r\nBcc: all@example.com", subject="Hi {{ client.first_name }}\n")
    assert made.subject == "Hi Anna Bcc: all@example. com"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("https://evil.example/x", "evil. example/x"),
        ("see www.evil.com now", "see www. evil. com now"),
        ("javascript:alert(1)", "alert(1)"),
        ("evil\uff0ecom", "evil. com"),
        ("anna@evil.com", "anna@evil. com"),
        ("Dr. A.B. Jansen, 12.30", "Dr. A.B. Jansen, 12.30"),
        ("St.Annastraat 5", "St. Annastraat 5"),
        ("a\u202eb\u200bc\u0000d", "abcd"),
        ("one\ntwo\tthree", "one two three"),
    ],
)
def test_a_typed_value_cannot_bring_a_link_or_a_line(typed: str, shown: str) -> None:
    assert own("{{ client.first_name }}", first_name=typed).text == shown


def test_an_own_field_may_be_a_link_only_when_it_is_nothing_else() -> None:
    facts = replace(
        sample_facts("en"), fields={"video": "https://meet.example/1", "note": "go to https://evil.example"}
    )
    values = build_values(facts)
    assert values["fields"] == {"video": "https://meet.example/1", "note": "go to evil. example"}


def test_links_stay_within_the_domains_that_the_organization_allows() -> None:
    facts = sample_facts("en")
    facts = replace(facts, settings=replace(facts.settings, link_domains=["other.example"]))
    assert build_values(facts)["appointment"]["manage_url"] is None
    facts = replace(facts, settings=replace(facts.settings, link_domains=["aurora.example", "salon-aurora.example"]))
    assert build_values(facts)["appointment"]["manage_url"] == "https://salon-aurora.example/a/42"


def test_the_html_part_links_only_to_what_the_record_links_to() -> None:
    values = sample_values("en")
    html = built_in(values).html or ""
    assert set(Markup(html).links) == {
        "https://salon-aurora.example/a/42",
        "https://salon-aurora.example",
        "https://carillon.example/p/x7Kq2",
        "https://carillon.example/u/x7Kq2",
    }
    assert ">Change or cancel</a>" in html
    assert '<html lang="en">' in html


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_typed_the_markup_stays_the_same(name: str, service: str) -> None:
    facts = sample_facts("en")
    assert facts.appointment is not None
    plain = Markup(built_in(build_values(facts)).html or "")
    odd = replace(
        facts,
        client=Client(id="1", first_name=name or "x", last_name="y"),
        appointment=replace(facts.appointment, service=service or "x"),
    )
    made = built_in(build_values(odd))
    shown = Markup(made.html or "")
    # A service of nothing but spaces leaves its line out.
    assert [tag for tag in shown.tags if tag != "br"] == [tag for tag in plain.tags if tag != "br"]
    assert shown.links == plain.links
    assert made.subject is not None
    assert "\n" not in made.subject


def test_the_authors_letters_decide_the_encoding_of_an_sms() -> None:
    plain = own("Hi {{ client.first_name }}", first_name="Łukasz")
    assert (plain.text, measure(plain.text).encoding) == ("Hi Lukasz", "GSM-7")
    marked = own("Cześć {{ client.first_name }}", first_name="Łukasz")
    assert (marked.text, measure(marked.text).encoding) == ("Cześć Łukasz", "UCS-2")
    cyrillic = own("Hi {{ client.first_name }}", first_name="Иван")
    assert (cyrillic.text, measure(cyrillic.text).encoding) == ("Hi Иван", "UCS-2")


def test_typographic_characters_of_an_own_text_do_not_cost_parts() -> None:
    assert own("It\u2019s 2:00\u202fPM \u2013 see you\u2026").text == "It's 2:00 PM - see you..."


def test_a_short_text_is_cut_to_what_the_channel_takes() -> None:
    assert len(own("word " * 400).text) <= 1600
    assert own("word " * 400).text.endswith("...")


def test_an_own_text_without_html_gets_the_standard_page() -> None:
    made = own("Dear {{ client.first_name }},\n\nManage: {{ appointment.manage_url }}", channel="email", subject="Hey")
    assert made.subject == "Hey"
    assert made.html is not None
    assert "Dear Anna," in made.html
    assert ">Manage</a>" in made.html


def test_an_email_without_a_subject_of_its_own_is_from_the_organization() -> None:
    assert own("x", channel="email").subject == "Salon Aurora"


def test_the_text_part_ends_with_the_links_to_preferences_and_unsubscribing() -> None:
    made = own("x {{ links.unsubscribe }}", channel="email")
    assert made.text.endswith("Choose which reminders you get: https://carillon.example/p/x7Kq2")
    assert made.text.count("https://carillon.example/u/x7Kq2") == 1


def test_a_list_reads_as_a_sentence_and_can_be_walked() -> None:
    facts = replace(sample_facts("en"), staff_names=["Anna", "Marek", "Eva"])
    text = OwnText(body="{{ staff_names }} {{ staff_names|join('/') }} {% for n in staff_names %}{{ n }};{% endfor %}")
    made = RENDERER.render(
        key="own.x", audience="client", channel="sms", locale="en", values=build_values(facts), own=text
    )
    assert made.text == "Anna, Marek and Eva Anna/Marek/Eva Anna;Marek;Eva;"
