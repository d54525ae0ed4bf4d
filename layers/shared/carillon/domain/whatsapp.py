"""WhatsApp templates: what Meta approves word by word before a business may start a conversation with it.

Rules of Meta and Twilio (facts B): variables are numbered from 1 without gaps, none is ever empty, the text neither
begins nor ends with one and no two touch, there are at least (2x + 1) words of text for x variables, 1024 characters.
"""

import re
from collections.abc import Mapping

from carillon.domain.catalog import ROWS
from carillon.domain.ids import digest
from carillon.domain.values import value

MAX_LENGTH = 1024
PLACEHOLDER = re.compile(r"\{\{ ([a-z_]+(?:\.[a-z_]+)*) \}\}")
_WORD = re.compile(r"\w[\w'-]*")


@value
class ApprovedText:
    """A text to be approved: `text` with named placeholders, `body` with numbers, and what each number is.

    `name` says which text it is and holds a hash of its words: a changed text is another template, as Meta wants it.
    Audiences that read the same words share one.
    `samples` shows the reviewer what a variable looks like.
    """

    key: str
    audience: str
    locale: str
    text: str
    body: str
    variables: dict[str, str]
    samples: dict[str, str]
    name: str
    marketing: bool


def approved_text(key: str, audience: str, locale: str, text: str, samples: dict[str, str]) -> ApprovedText:
    """Make the template of a text; `samples` gives a typical value for each variable by its name."""
    paths = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    numbers = {path: str(index) for index, path in enumerate(paths, 1)}
    body = PLACEHOLDER.sub(lambda match: f"{{{{{numbers[match.group(1)]}}}}}", text)
    slug = re.sub(r"[^a-z0-9]+", "_", f"carillon_{key}_{locale}".lower())
    return ApprovedText(
        key=key,
        audience=audience,
        locale=locale,
        text=text,
        body=body,
        variables={number: path for path, number in numbers.items()},
        samples={number: samples[path] for path, number in numbers.items()},
        name=f"{slug}_{re.sub('[^a-z0-9]', '', digest(body).lower())[:8]}",
        marketing=key in ROWS and ROWS[key].purpose == "marketing",
    )


def filled(text: str, variables: Mapping[str, str], values: Mapping[str, str]) -> str:
    """Write a template's text as the person reads it; `values` by number."""
    by_path = {path: values[number] for number, path in variables.items()}
    return PLACEHOLDER.sub(lambda match: by_path.get(match.group(1), ""), text)


def faults(text: ApprovedText) -> list[str]:
    """Say which rules of approval a text breaks."""
    found = []
    count = len(text.variables)
    words = len(_WORD.findall(PLACEHOLDER.sub(" ", text.text)))
    if text.body.startswith("{{") or text.body.endswith("}}"):
        found.append("begins or ends with a variable")
    if re.search(r"\}\}\s*\{\{", text.body):
        found.append("has variables next to each other")
    if words < 2 * count + 1:
        found.append(f"has {words} words for {count} variables, needs {2 * count + 1}")
    if len(text.body) > MAX_LENGTH:
        found.append(f"is longer than {MAX_LENGTH} characters")
    if "{%" in text.body or re.search(r"\{\{(?!\d+\}\})", text.body):
        found.append("has more than plain variables")
    if re.search(r"[\n\t]| {4}", text.body):
        found.append("has line breaks, tabs or wide spaces")
    return found
