"""A local cloud in a process of its own, for tests that speak HTTP with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running_cloud import RunningCloud, StartCloud, start_cloud


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartCloud]:
    """Start clouds of one test's own; all are ended after it."""
    clouds: list[RunningCloud] = []

    def begin(*, probe: bool = True, **environment: str) -> RunningCloud:
        clouds.append(start_cloud(tmp_path / "local", probe=probe, **environment))
        return clouds[-1]

    yield begin
    for cloud in clouds:
        cloud.stop()


@pytest.fixture(scope="session")
def probe_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """One cloud with the probe's functions for all tests that can share it."""
    cloud = start_cloud(tmp_path_factory.mktemp("probe") / "local", probe=True)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def real_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """One cloud with the project's own functions for all tests that can share it."""
    cloud = start_cloud(tmp_path_factory.mktemp("real") / "local", probe=False)
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(probe_cloud: RunningCloud) -> RunningCloud:
    """The shared cloud, emptied for one test."""
    response = probe_cloud.tools.post("/reset")
    assert response.status_code == 200, response.text
    return probe_cloud
