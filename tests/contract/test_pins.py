"""One version of each package: what is deployed is what is tested."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DEPLOYED: Final = (
    "layers/dependencies/requirements.txt",
    "functions/send_whatsapp/requirements.txt",
    "functions/billing_api/requirements.txt",
    "functions/settle_payments/requirements.txt",
)


def pins(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {line.partition(" ;")[0].strip() for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("name", DEPLOYED)
def test_deployed_packages_are_pinned_as_they_are_tested(name: str) -> None:
    assert pins(name) - pins("requirements-dev.txt") == set()


@pytest.mark.parametrize("name", [*DEPLOYED, "requirements-dev.txt"])
def test_every_package_is_pinned_and_no_index_is_named(name: str) -> None:
    assert [pin for pin in pins(name) if "==" not in pin or pin.startswith("-")] == []
