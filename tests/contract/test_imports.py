"""What the core may import, and what a cold start of each function must not."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOMAIN: Final = ROOT / "layers" / "shared" / "carillon" / "domain"

VALIDATION: Final = {"pydantic", "aws_lambda_powertools.event_handler"}
RENDERING: Final = {"jinja2"}
TWILIO: Final = {"twilio", "stripe"}  # what two of the functions have of their own
# Function folder → modules that its work doesn't need, and that would cost every cold start.
ABSENT: Final = {
    "authorizer": VALIDATION | RENDERING | TWILIO,
    "settings_api": TWILIO,
    "contacts_api": TWILIO,
    "records_api": TWILIO,
    "messages_api": TWILIO,
    # Signatures are checked with our own HMAC.
    "callbacks": TWILIO,
    "client_pages": VALIDATION | RENDERING | TWILIO,
    "plan_notifications": VALIDATION | RENDERING | TWILIO,
    "dispatch_reminder": VALIDATION | RENDERING | TWILIO,
    "send_recap": VALIDATION | RENDERING | TWILIO,
    "run_jobs": VALIDATION | RENDERING | TWILIO,
    "sweep": VALIDATION | RENDERING | TWILIO,
    "record_delivery": VALIDATION | RENDERING | TWILIO,
    "send_email": VALIDATION | TWILIO,
    "send_sms": VALIDATION | TWILIO,
    "send_push": VALIDATION | TWILIO,
    "send_whatsapp": VALIDATION | {"stripe"},
    "billing_api": RENDERING | {"twilio"},
    "settle_payments": VALIDATION | RENDERING | {"twilio"},
    "send_telegram": VALIDATION | TWILIO,
    "send_viber": VALIDATION | TWILIO,
}
LIST_MODULES: Final = (
    "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"
)


def folders() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


def imported_by(source: Path) -> set[str]:
    """Modules that a file imports absolutely, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


@pytest.mark.parametrize("source", sorted(DOMAIN.rglob("*.py")), ids=lambda path: str(path.relative_to(DOMAIN)))
def test_the_domain_needs_the_standard_library_only(source: Path) -> None:
    outside = {
        name
        for name in imported_by(source)
        if name.partition(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith("carillon.domain.")
    }
    assert outside == set()


def test_every_function_says_what_it_does_without() -> None:
    assert set(folders()) <= set(ABSENT)


@pytest.mark.parametrize("folder", folders())
def test_a_cold_start_imports_nothing_that_the_function_does_not_need(folder: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIST_MODULES, f"functions.{folder}.app"],
        capture_output=True,
        text=True,
        # No variable of the function's own: an import reads none.
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'shared'}"},
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout)) & ABSENT[folder] == set()
