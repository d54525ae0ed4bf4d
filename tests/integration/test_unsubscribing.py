"""The link under marketing mail: one click ends it, for this client of this organization, for years."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.tokens import SignedLinks, SignedTokens
from carillon.domain.messages import MessageKey
from functions.client_pages.app import lambda_handler
from tests.integration.account import Aws, activate, call, event, new_organization
from tests.integration.mail_reports import code, complained, key, report
from tests.integration.world import DeathError

pytestmark = pytest.mark.usefixtures("organization")
ANNA = {
    "id": "anna",
    "first_name": "Anna",
    "email": "anna@example.com",
    "locale": "fr",
    "consents": {"service": {"email": True}, "marketing": {"email": True}, "wording": "Oui"},
}


@pytest.fixture
def organization(aws: Aws) -> None:
    for name in ("aurora", "other"):
        new_organization(name)
        activate(name)
        assert call("POST", "/v1/clients", ANNA, org=name).status == 201
    aws.calls.clear()


@pytest.fixture
def link(aws: Aws) -> str:
    return SignedLinks(lambda: key(aws)).unsubscribe("aurora", "anna")


def page(method: str, path: str, body: str | None = None, **headers: str) -> Any:
    return lambda_handler(event(method, path, body, headers=headers), None)


def marketing(org: str = "aurora") -> Any:
    return call("GET", "/v1/clients/anna/consents", org=org).body["marketing"].get("email")


def history(org: str = "aurora") -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = call("GET", "/v1/clients/anna/consents", org=org).body["history"]
    return [each for each in entries if each["source"] == "unsubscribe_link"]


def test_looking_changes_nothing_and_takes_one_call(aws: Aws, link: str) -> None:
    before = aws.items()
    aws.calls.clear()
    shown = page("GET", link)
    assert shown["statusCode"] == 200
    assert "Se désabonner" in shown["body"]
    assert aws.calls == ["BatchGetItem"]
    assert aws.items() == before


def test_one_click_ends_marketing_with_an_entry_in_the_ledger(link: str) -> None:
    shown = page("POST", link, "List-Unsubscribe=One-Click")
    assert shown["statusCode"] == 200
    assert "Vous êtes désabonné(e)" in shown["body"]
    assert marketing() is False
    (entry,) = history()
    assert (entry["channel"], entry["purpose"], entry["granted"]) == ("email", "marketing", False)
    assert entry["actor"] == {"recipient": "c:anna"}
    assert call("GET", "/v1/clients/anna").body["consents"]["service"]["email"] is True
    assert marketing("other") is True


def test_clicking_again_changes_nothing(aws: Aws, link: str) -> None:
    page("POST", link)
    before = aws.items()
    assert page("POST", link, "anything")["statusCode"] == 200
    assert aws.items() == before
    assert len(history()) == 1


def test_the_link_works_for_years(aws: Aws, link: str) -> None:
    aws.clock.advance(timedelta(days=2000))
    assert page("POST", link)["statusCode"] == 200
    assert marketing() is False


def test_everything_can_be_stopped_and_taken_back(link: str) -> None:
    assert "plus aucun e-mail" in page("POST", link, "choice=all")["body"]
    assert call("GET", "/v1/clients/anna").body["can_message"]["email"] is False
    assert marketing() is False
    assert 'value="back"' in page("GET", link)["body"]
    page("POST", link, "choice=back")
    assert call("GET", "/v1/clients/anna").body["can_message"]["email"] is True
    assert marketing() is False


def test_a_merged_client_unsubscribes_under_its_old_link(link: str) -> None:
    call("POST", "/v1/clients", {**ANNA, "id": "kept", "allow_shared_contact": True})
    assert call("POST", "/v1/clients/merge", {"keep": "kept", "remove": "anna"}).status == 200
    assert page("POST", link)["statusCode"] == 200
    assert call("GET", "/v1/clients/kept/consents").body["marketing"]["email"] is False


def test_a_client_that_is_gone_is_told_that_it_gets_nothing(aws: Aws, link: str) -> None:
    aws.table.delete_item(Key={"pk": "aurora#C#anna", "sk": "-"})
    for method in ("GET", "POST"):
        shown = page(method, link)
        assert shown["statusCode"] == 200
    assert aws.items("aurora#C#anna") == [item for item in aws.items("aurora#C#anna") if item["sk"] != "-"]


def test_a_link_that_was_not_made_here_leads_nowhere(aws: Aws, link: str) -> None:
    other = SignedLinks(lambda: "another key").unsubscribe("aurora", "anna")
    message = SignedTokens(lambda: key(aws)).issue("aurora", MessageKey("c:anna", "0" * 32))
    before = aws.items()
    for path in (other, f"{link}x", link[:-1], "/u/", "/u/x/y", f"/u/{message}", "/u/%00"):
        for method in ("GET", "POST"):
            shown = page(method, path, **{"accept-language": "pl"})
            assert (shown["statusCode"], 'lang="pl"' in shown["body"]) == (404, True), path
    assert aws.items() == before


def test_a_removed_organization_has_no_page(link: str) -> None:
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    assert page("GET", link)["statusCode"] == 404
    assert page("POST", link)["statusCode"] == 404


def test_only_its_owner_takes_a_complaint_back(link: str, aws: Aws) -> None:
    report(complained(aws))
    assert code() == "address_complained"
    aws.clock.advance(timedelta(minutes=5))
    page("POST", link, "choice=back")
    assert code() is None
    assert call("GET", "/v1/clients/anna").body["can_message"]["email"] is True


@pytest.mark.parametrize("at", range(1, 12))
def test_whoever_comes_back_does_so_wholly_also_after_a_death(aws: Aws, link: str, deaths: list[int], at: int) -> None:
    report(complained(aws))
    aws.clock.advance(timedelta(minutes=5))
    deaths[0] = at
    with suppress(DeathError):
        page("POST", link, "choice=back")
    deaths[0] = 0
    if 'value="back"' in page("GET", link)["body"]:
        page("POST", link, "choice=back")
    assert code() is None
    assert call("GET", "/v1/clients/anna").body["can_message"]["email"] is True
