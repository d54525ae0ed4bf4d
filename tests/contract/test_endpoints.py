"""The shipped part of botocore's endpoints: complete for what the functions call, and no other than botocore's."""

import json
import re
from pathlib import Path

import botocore.session
import pytest

from carillon.adapters.aws import DATA
from tools.trim_endpoints import SERVICES, trimmed

ROOT = Path(__file__).parents[2]
PREFIXES = {"sesv2": "email", "pinpoint-sms-voice-v2": "sms-voice"}
REGIONS = ("eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-4")


def called() -> set[str]:
    """Name every service that something in the package makes a client of."""
    sources = (path.read_text() for path in (ROOT / "layers" / "shared" / "carillon").rglob("*.py"))
    return {name for source in sources for name in re.findall(r'client\("([a-z0-9-]+)"', source)}


def endpoint(service: str, region: str, *, shipped: bool) -> str:
    session = botocore.session.Session()
    if shipped:
        session.set_config_variable("data_path", str(DATA))
    client = session.create_client(service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")
    return str(client.meta.endpoint_url)


def test_the_shipped_file_is_botocores_own_as_pinned() -> None:
    assert json.loads((DATA / "endpoints.json").read_text()) == trimmed()


def test_every_service_that_is_called_is_in_it() -> None:
    assert {"dynamodb", "sqs", "sesv2"} <= called()
    assert {PREFIXES.get(name, name) for name in called()} <= SERVICES


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", sorted(called()))
def test_a_client_goes_to_the_same_address_with_it(service: str, region: str) -> None:
    assert endpoint(service, region, shipped=True) == endpoint(service, region, shipped=False)
