"""What a template may not do, however hostile its author: refused at save, and harmless if it ran all the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.adapters.rendering.engine import run
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.samples import sample_values
from carillon.domain.channels import Channel
from carillon.domain.templates import ContentTemplate, OwnText, TemplateInvalid
from carillon.ports.delivery import RenderingFailed

RENDERER = TemplateRenderer()


def mistakes(body: str, *, channel: Channel = "sms", **more: Any) -> list[tuple[str, int, int, str]]:
    try:
        RENDERER.check(channel=channel, text=OwnText(body=body, **more))
    except TemplateInvalid as invalid:
        return [(found.part, found.line, found.column, found.message) for found in invalid.mistakes]
    return []


@pytest.mark.parametrize(
    "body",
    [
        "Hello {{ client.first_name|default('you', true)|title }}",
        "{% if appointment.location %}{{ appointment.location }}{% elif client.last_name %}Here{% else %}?{% endif %}",
        "{% for item in recap.items if item.client != 'x' %}{{ loop.index }} {{ item.time }}{% else %}no{% endfor %}",
        "{{ staff_names|join(' & ') }} {{ staff_names|length }} {{ staff_names|first }} {{ staff_names|last }}",
        "{% for a in recap.items %}{% for b in reminder.others %}{{ a.time }}{{ b.time }}{% endfor %}{% endfor %}",
        "{{ fields.colour|upper|truncate(5) }} {{ fields['shade']|replace('a', 'b')|trim|lower|capitalize }}",
        "{{ 'yes' if reminder.key == 'first' and not recap.items|length > 3 else 'no' }} {% raw %}{{ x }}{% endraw %}",
        "{# a note #}{% if reminder.key in ['first', 'second'] %}x{% endif %} 100 % {",
    ],
)
def test_the_syntax_of_the_contract_is_accepted(body: str) -> None:
    assert mistakes(body) == []


@pytest.mark.parametrize(
    ("body", "line", "column", "said"),
    [
        ("Hi {{ client.nme }}", 1, 7, "unknown variable client.nme"),
        ("Hi\n\n  {{ nobody }}", 3, 6, "unknown variable nobody"),
        ("{{ client }}", 1, 4, "group"),
        ("{{ client.first_name.upper() }}", 1, 27, "called"),
        ("{{ client.first_name|safe }}", 1, 22, "unknown filter safe"),
        ("a {% set x = 1 %}", 1, 6, "assign"),
        ("{{ ''.__class__.__mro__ }}", 1, 16, "by their names"),
        ("{{ client.__class__ }}", 1, 4, "underscore"),
        ("{{ client['__class__'] }}", 1, 4, "underscore"),
        ("{{ _budget }}", 1, 4, "underscore"),
        ("{{ self._TemplateReference__context }}", 1, 4, "underscore"),
        ("{% for i in range(10) %}{% endfor %}", 1, 18, "list of the catalog"),
        ("{% for i in client.first_name %}{% endfor %}", 1, 19, "list of the catalog"),
        ("{% for client in recap.items %}{% endfor %}", 1, 8, "new name"),
        ("{% for a, b in recap.items %}{% endfor %}", 1, 9, "new name"),
        ("{% for i in recap.items recursive %}{% endfor %}", 1, 4, "recursive"),
        ("{% for i in recap.items %}{{ i.pin }}{% endfor %}", 1, 30, "unknown variable i.pin"),
        ("{{ 'a' * 99999999 }}", 1, 4, "mul"),
        ("{{ 9 ** 99 }}", 1, 4, "pow"),
        ("{{ 'a' ~ 'b' }}", 1, 4, "concat"),
        ("{{ client.first_name[0:2] }}", 1, 21, "by their names"),
        ("{% include 'x' %}", 1, 4, "include"),
        ("{% import 'x' as y %}", 1, 4, "import"),
        ("{% extends 'x' %}", 1, 4, "extends"),
        ("{% macro m() %}{% endmacro %}", 1, 4, "macro"),
        ("{% filter upper %}x{% endfilter %}", 1, 4, "filter"),
        ("{% if client.first_name is defined %}{% endif %}", 1, 25, "tests"),
        ("{{ client.first_name", 1, 11, "unexpected"),
        ("{% if client.first_name %}x", 1, 27, "end of template"),
        ("x\n{{ ? }}", 2, 4, "unexpected char"),
        ("{{ client.first_name|upper(*staff_names) }}", 1, 22, "unpacked"),
        ("{{ client.first_name|replace('a') }}", 1, 22, "replace takes"),
        ("{{ client.first_name > 3 }}", 1, 1, "can't be rendered"),
        ("{{ " + "1" * 5000 + " }}", 1, 1, "number"),
        ("{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}", 1, 1, "nested"),
        ("{% if client.first_name %}" * 60 + "{% endif %}" * 60, 1, 1, "nested"),
        ("{% for a in recap.items %}" * 3 + "{% endfor %}" * 3, 1, 56, "2 deep"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_place(body: str, line: int, column: int, said: str) -> None:
    found = mistakes(body)
    assert found
    part, at_line, at_column, message = found[0]
    assert said in message
    if said != "nested":
        assert (part, at_line, at_column) == ("body", line, column)


def test_the_refusal_is_a_422_whose_faults_point_at_the_parts() -> None:
    with pytest.raises(TemplateInvalid) as refused:
        RENDERER.check(channel="sms", text=OwnText(body="{{ x }}"))
    assert (refused.value.status, refused.value.code) == (422, "template_invalid")
    assert [fault.pointer for fault in refused.value.faults] == ["/body"]
    assert refused.value.faults[0].message == "line 1, column 4: unknown variable x"


def test_all_mistakes_are_told_at_once_with_their_parts() -> None:
    found = mistakes("{{ a }} {{ b }}", channel="email", subject="{{ c }}", html="<p>{{ d }}</p>")
    assert [(part, column) for part, _, column, _ in found] == [("subject", 4), ("body", 4), ("body", 12), ("html", 7)]


@pytest.mark.parametrize(("part", "longest"), [("subject", 200), ("body", 20_000), ("html", 100_000)])
def test_a_part_that_is_too_long_is_refused(part: str, longest: int) -> None:
    texts = {"body": "x", part: "x" * (longest + 1)}
    assert mistakes(texts.pop("body"), channel="email", **texts)[0][0] == part


def test_a_subject_is_one_line() -> None:
    assert mistakes("x", channel="email", subject="a\nBcc: everyone@example.com")[0][3] == "must be one line"


def test_a_whatsapp_mapping_names_numbers_and_variables_that_exist() -> None:
    content = ContentTemplate(content_sid="HX1", variables={"1": "client.first_name", "x": "client.pin", "2": "client"})
    with pytest.raises(TemplateInvalid) as refused:
        RENDERER.check(channel="whatsapp", text=OwnText(body="x", whatsapp=content))
    assert [mistake.message for mistake in refused.value.mistakes] == [
        "x is not the number of a variable",
        "unknown variable client.pin",
        "unknown variable client",
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<a title={{ client.first_name }}>x</a>",
        "<{{ client.first_name }}>",
        "<p {{ client.first_name }}>",
        "<script>var x = '{{ client.first_name }}'</script>",
        "<iframe src='x'></iframe>",
    ],
)
def test_html_that_would_let_a_value_become_markup_is_refused(html: str) -> None:
    assert mistakes("x", channel="email", html=html)


def test_html_with_values_in_text_and_quoted_attributes_is_accepted() -> None:
    html = "<p>1 < 2 {{ client.first_name }} <a href=\"{{ appointment.manage_url }}\" title='{{ staff.name }}'>x</a>"
    assert mistakes("x", channel="email", html=html) == []


HOSTILE = [
    "{{ ''.__class__ }}",
    "{{ client.items }}{{ client.keys }}{{ client.__class__ }}",
    "{{ staff_names.append }}{{ staff_names.__class__ }}",
    "{{ recap.items.clear }}",
    "{{ _budget.spend }}{{ _budget._left }}{{ _budget.spend.__func__ }}",
    "{{ self.blocks }}{{ self._TemplateReference__context }}",
    "{{ caller }}{{ cycler }}{{ range }}{{ lipsum }}{{ joiner }}{{ namespace }}{{ dict }}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_of_python_is_reachable_even_without_the_check(source: str) -> None:
    shown = run(source, sample_values(), html=False)
    assert shown == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ client.first_name.upper() }}",
        "{{ range(3) }}",
        "{% for a in recap.items %}{% for b in recap.items %}x{% endfor %}{% endfor %}",
        "{% for a in recap.items %}{% for b in recap.items %}{{ fields.long }}{% endfor %}{% endfor %}",
        "{{ fields.long" + "|replace('x', 'xxxxxxxxxx')" * 8 + " }}",
        "{{ recap.items|join(fields.long) }}",
        "{% for a in recap.items %}" + "{{ fields.long|upper|lower }}" * 30 + "{% endfor %}",
    ],
)
def test_a_bomb_ends_in_an_error_instead_of_a_hang(source: str) -> None:
    values = sample_values()
    values["recap"]["items"] = [{"time": "9:00"}] * 200
    values["fields"] = {"long": "x" * 2000}
    with pytest.raises(RenderingFailed):
        run(source, values, html=False)


FRAGMENTS = st.sampled_from(
    ["{{", "}}", "{%", "%}", " ", "client", ".", "first_name", "|", "upper", "if", "endif", "for", "in", "recap.items",
     "endfor", "(", ")", "[", "]", "'", '"', "1", "-", "*", "__class__", "set", "=", "raw", "endraw", "else", "\n", "x",
     "{#", "#}", ",", "not", "loop", "replace", "{{-", "-%}", "~", ":", "is", "none"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_any_text_is_either_accepted_and_renders_or_refused_with_a_place(source: str) -> None:
    for part, line, column, message in mistakes(source or "x"):
        assert part == "body"
        assert line >= 1
        assert column >= 1
        assert message


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_arbitrary_characters_never_break_the_check(source: str) -> None:
    found = mistakes(source or "x", channel="email", html=source or "x")
    assert {part for part, *_ in found} <= {"body", "html"}


def test_a_loop_may_not_be_filled_with_more_than_its_rounds_allow() -> None:
    inside = "{% if a.time == b.time %}x{% endif %}"
    loops = "{% for a in recap.items %}{% for b in recap.items %}", "{% endfor %}{% endfor %}"
    assert mistakes(inside.join(loops)) == []
    assert mistakes((inside * 100).join(loops))[0][3] == "has too many parts"
    assert mistakes(inside.replace("b.time", "'x'").replace("a.time", "client.first_name") * 100) == []
