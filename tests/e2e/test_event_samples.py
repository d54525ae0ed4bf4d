"""The sample events: one per function, of the form that its trigger really sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local import wiring
from local.gateway.routes import RouteTable
from local.template import Template, load
from tests.e2e.running_cloud import REPOSITORY, RunningCloud

FOLDERS = sorted(path.parent.name for path in (REPOSITORY / "functions").glob("*/app.py"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    processed = load(REPOSITORY / "template.yaml", tmp_path_factory.mktemp("cache"))
    return Template(processed, "eu-central-1", "carillon", {}, lambda name: f"https://sqs/{name}", "https://api")


def sample(folder: str) -> Any:
    return json.loads((REPOSITORY / "events" / f"{folder}.json").read_text())


def function_of(template: Template, folder: str) -> str:
    found = [
        f.name for f in wiring.functions(template).values() if f.handler == f"functions.{folder}.app.lambda_handler"
    ]
    assert len(found) == 1
    return found[0]


def test_each_function_has_its_sample_and_no_sample_is_left_over() -> None:
    assert sorted(path.stem for path in Path(REPOSITORY / "events").glob("*.json")) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_sample_comes_from_a_trigger_that_the_template_sets(template: Template, folder: str) -> None:
    event, name = sample(folder), function_of(template, folder)
    if "Records" in event:
        sources = {
            m.source_arn.split(":", 5)[5].split("/stream")[0]
            for m in wiring.source_mappings(template)
            if m.function == name
        }
        assert {r["eventSourceARN"].split(":", 5)[5].split("/stream")[0] for r in event["Records"]} <= sources
    elif event.get("detail-type") == "Scheduled Event":
        assert name in {spec.function for spec in wiring.periodic_schedules(template)}
    else:
        routes = wiring.routes(template)
        match = RouteTable(routes).match(event["requestContext"]["http"]["method"], event["rawPath"])
        assert match is not None
        assert match.key == event["routeKey"]
        if event.get("type") == "REQUEST":
            assert match.route.authorizer is not None
            assert match.route.authorizer.function == name
        else:
            assert match.route.function == name


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_takes_its_sample(real_cloud: RunningCloud, template: Template, folder: str) -> None:
    name = function_of(template, folder)
    answer = real_cloud.tools.post(f"/functions/{name}", json=sample(folder)).json()
    assert answer["error"] is None
    payload = answer["payload"] or {}
    assert payload.get("statusCode", 200) < 500
    assert payload.get("batchItemFailures", []) == []
