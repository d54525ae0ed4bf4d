"""The docs say what is so: links resolve, and names of targets, parameters, codes, reasons and routes exist."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from carillon.domain.decisions import Level
from carillon.domain.errors import CODES
from carillon.domain.messages import STATUSES
from local.template import load

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "layers" / "shared" / "carillon"
OPENAPI: Final = PACKAGE / "runtime" / "http" / "openapi.json"
SCRIPT: Final = ROOT / "docs" / "examples" / "first-reminder.sh"
LONGEST_README: Final = 300
LEVELS: Final = set(get_args(Level))


def pages() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def prose(name: str) -> str:
    """Give a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", read(name), flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Name the places that a page's headings make, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_words(name: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", prose(name)))


@pytest.mark.parametrize("name", pages())
class TestEveryPage:
    def test_its_links_lead_somewhere(self, name: str) -> None:
        broken = []
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            page = (ROOT / name).parent / path if path else ROOT / name
            if not page.exists() or (anchor and anchor not in anchors(page.read_text("utf-8"))):
                broken.append(target)
        assert broken == []

    def test_the_make_targets_it_names_exist(self, name: str) -> None:
        known = set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))
        spans = re.findall(r"`make ([^`\n]+)`", prose(name))
        lines = re.findall(r"^(?:\$ )?make (.+)$", read(name), re.MULTILINE)
        words = [word for span in [*spans, *lines] for word in re.split(r"\s+#", span)[0].split()]
        assert {word for word in words if re.fullmatch(r"[a-z][a-z-]+", word)} - known == set()

    def test_the_files_it_names_exist(self, name: str) -> None:
        rooms = "functions|layers|local|tests|tools|docs|bench|examples"
        inside = r"(?:adapters|bootstrap|domain|runtime|services|texts)"
        named = {word for word in code_words(name) if re.fullmatch(rf"(?:{rooms})/[\w./-]+", word)}
        short = {word for word in code_words(name) if re.fullmatch(rf"{inside}/[\w./-]+", word)}
        missing = {word for word in named if not (ROOT / word).exists()}
        missing |= {word for word in short if not (PACKAGE / word).exists()}
        assert missing == set()


class TestReadme:
    def test_can_be_read_in_one_go(self) -> None:
        assert len(read("README.md").splitlines()) <= LONGEST_README

    def test_its_first_commands_are_run_and_test(self) -> None:
        targets = re.findall(r"make ([a-z-]+)", read("README.md"))
        assert targets[0] == "run"
        assert "test" in targets[:4]

    def test_its_first_reminder_is_the_script(self) -> None:
        _, _, rest = SCRIPT.read_text("utf-8").partition("# --- as in the README ---\n")
        commands, marker, _ = rest.partition("# --- end ---\n")
        assert marker
        assert f"```sh\n{commands}```" in read("README.md")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dict(load(ROOT / "template.yaml", tmp_path_factory.mktemp("template")))


class TestOperations:
    def test_every_parameter_and_alarm_is_described(self, template: dict[str, Any]) -> None:
        resources = template["Resources"]
        wanted = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
        assert (wanted | set(template["Parameters"])) - code_words("docs/operations.md") == set()

    def test_every_name_of_the_template_that_it_names_exists(self, template: dict[str, Any]) -> None:
        known = {name for part in ("Parameters", "Resources", "Outputs") for name in template[part]}
        named = {word for word in code_words("docs/operations.md") if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", word)}
        assert named - known == set()

    def test_every_environment_variable_that_it_names_exists(self, template: dict[str, Any]) -> None:
        functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
        known = {name for each in functions for name in each["Properties"]["Environment"]["Variables"]}
        named = {word for word in code_words("docs/operations.md") if re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", word)}
        assert named
        assert named - known == set()


def reasons() -> set[str]:
    """Collect every reason that the code gives to a message."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found |= set(_reasons_of(node))
    for node in ast.walk(ast.parse((PACKAGE / "domain" / "decide.py").read_text("utf-8"))):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(text)), ast.Constant(value=str(level))]) if level in LEVELS:
                found.add(text)
    return {text for text in found if re.fullmatch(r"[a-z]+(?:_[a-z0-9]+)*", text)}


def _reasons_of(node: ast.AST) -> Iterator[str]:
    """Read reasons where they stand: given by name, by place, beside a status, or in a table of codes."""
    match node:
        case ast.keyword(arg="reason", value=value):
            yield from _texts(value)
        case ast.Call(func=ast.Name(id="Moved"), args=[_, _, value, *_]):
            yield from _texts(value)
        case ast.Call(func=ast.Name(id="_no"), args=[_, _, _, value, *_]):
            yield from _texts(value)
        case ast.Tuple(elts=[ast.Constant(value=str(status)), value]) if status in STATUSES:
            yield from _texts(value)
        case ast.FunctionDef(name="_not_true_any_more"):
            yield from (
                text for inner in ast.walk(node) if isinstance(inner, ast.Return) for text in _texts(inner.value)
            )
        case ast.Assign(targets=[ast.Name(id="PERMANENT")], value=ast.Dict(values=values)):
            yield from (text for value in values for text in _texts(value))
        case ast.AnnAssign(target=ast.Name(id="PERMANENT"), value=ast.Dict(values=values)):
            yield from (text for value in values for text in _texts(value))


def _texts(node: ast.AST | None) -> Iterator[str]:
    """Give the texts that an expression may come to."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.BoolOp(values=values):
            yield from (text for value in values for text in _texts(value))
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)


class TestIntegrating:
    def test_every_problem_code_is_described(self) -> None:
        assert set(CODES) - code_words("docs/integrating.md") == set()

    def test_every_reason_is_described(self) -> None:
        found = reasons()
        assert {"consent_missing", "too_late", "recipient_rejected", "connection_lost", "superseded"} <= found
        described = set(re.findall(r"^\| `([a-z_0-9]+)` \|", read("docs/integrating.md"), re.MULTILINE))
        assert found - described == set()

    def test_every_status_of_a_message_is_described(self) -> None:
        assert set(STATUSES) - code_words("docs/integrating.md") == set()

    def test_every_route_that_it_names_exists(self) -> None:
        known = {re.sub(r"\{\w+\}", "{}", path) for path in json.loads(OPENAPI.read_text("utf-8"))["paths"]}
        assert self.routes() - known == set()

    def test_every_route_is_described(self) -> None:
        known = {re.sub(r"\{\w+\}", "{}", path) for path in json.loads(OPENAPI.read_text("utf-8"))["paths"]}
        assert {path for path in known if path.startswith("/v1/")} - self.routes() == set()

    def routes(self) -> set[str]:
        named = re.findall(r"(?:GET|POST|PUT|PATCH|DELETE|\|) (/v1/[^\s`?]+)", read("docs/integrating.md"))
        return {re.sub(r"\{\w+\}", "{}", path) for path in named}
