"""Unit tests reach nothing outside the process, and don't wait."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

# No deadline: the machines that run this differ, and a slow one is no defect.
settings.register_profile(
    "unit", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse every socket but Unix ones, which event loops use for themselves."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
