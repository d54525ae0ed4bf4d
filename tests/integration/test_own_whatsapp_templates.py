"""The command that has an own number's templates approved, through the organization's own account."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.config import TWILIO_ACCOUNT
from tests.integration.account import Aws, call, new_organization
from tests.twilio_http import NUMBER, SUBACCOUNT, SUBACCOUNT_TOKEN, TwilioBehindHttp, twilio_behind_http
from tools import whatsapp_templates

WHATSAPP = {"account_sid": SUBACCOUNT, "auth_token": SUBACCOUNT_TOKEN, "sender": NUMBER}


@pytest.fixture
def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioBehindHttp]:
    with twilio_behind_http(tmp_path, monkeypatch) as played:
        yield played


def run(aws: Aws, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["whatsapp_templates.py", "--table", aws.environment["TABLE_NAME"], *arguments])
    return whatsapp_templates.main()


def test_own_templates_are_made_in_the_own_account_and_kept_as_the_organizations(
    aws: Aws, http: TwilioBehindHttp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new_organization()
    assert call("PUT", "/v1/channels/whatsapp", WHATSAPP).status == 201
    assert run(aws, monkeypatch, "--org", "aurora") == 0
    said = capsys.readouterr().out.split()
    kept = aws.items("aurora#WAT")
    made = {item["doc"].partition('"content_sid": "')[2][:34] for item in kept}
    assert said[:2] == ["created", str(len(made))]
    assert len(kept) > 100
    assert aws.items("@#WAT") == []
    accounts = {http.twilio.content._get(SUBACCOUNT, sid)["account_sid"] for sid in made}
    assert accounts == {SUBACCOUNT} != {TWILIO_ACCOUNT[0]}
    assert run(aws, monkeypatch, "--org", "aurora") == 0
    assert capsys.readouterr().out.split()[:2] == ["created", "0"]


def test_without_an_own_number_it_says_so_and_does_nothing(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new_organization()
    with pytest.raises(SystemExit):
        run(aws, monkeypatch, "--org", "aurora")
    assert "connect it first" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(aws, monkeypatch)
    assert "--secret" in capsys.readouterr().err


def test_it_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, whatsapp_templates.__file__, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "--org" in done.stdout
