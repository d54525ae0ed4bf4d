"""An organization's own address for e-mail: connected over HTTP, proven in DNS, and kept from everybody else."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local.fakes.ses_identities import IdentityError
from tests.integration.account import Aws, Response, call, new_organization
from tests.integration.played_ses import DiedError, PlayedSes, played_ses

pytestmark = pytest.mark.usefixtures("organizations")
HI = {"from_address": "hi@salon.example", "from_name": "Aurora"}


@pytest.fixture
def organizations(aws: Aws) -> None:  # noqa: ARG001 - the account is made first
    for name in ("aurora", "borealis"):
        new_organization(name)


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> PlayedSes:  # noqa: ARG001 - its clients are made anew
    return played_ses(monkeypatch)


def put(body: Any = None, org: str = "aurora", **given: Any) -> Response:
    return call("PUT", "/v1/channels/email", body or HI, org=org, **given)


def check(org: str = "aurora") -> Response:
    return call("POST", "/v1/channels/email/check", org=org)


def owner_sets(ses: PlayedSes, answer: Response) -> None:
    """Let whoever holds the domain set the records that an answer names."""
    ses.identities.set_records(answer.body["dns_records"])


def domains(aws: Aws) -> dict[str, tuple[str, bool]]:
    return {item["pk"].removeprefix("@#SES#"): (item["o"], item["ok"]) for item in aws.items("@#SES#")}


def test_a_domain_is_used_once_its_owner_has_set_the_records(aws: Aws, ses: PlayedSes) -> None:
    first = put()
    assert (first.status, first.body["status"]) == (201, "pending")
    kinds = [(each["type"], each["name"].endswith("salon.example")) for each in first.body["dns_records"]]
    assert kinds == [("CNAME", True)] * 3 + [("MX", True), ("TXT", True)]
    assert "CNAME and MX" in first.body["problem"]
    assert check().body["status"] == "pending"
    owner_sets(ses, first)
    second = check()
    assert (second.status, second.body["status"], second.body["problem"]) == (200, "active", None)
    assert domains(aws) == {"salon.example": ("aurora", True)}
    assert ses.identities.get("salon.example")["Tags"] == [{"Key": "carillon", "Value": "test"}]


def test_asking_again_changes_nothing_at_ses(ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    ses.calls.clear()
    assert put().body["status"] == "active"
    assert check().body["status"] == "active"
    assert set(ses.calls) == {"get"}


def test_what_another_has_proven_is_refused(aws: Aws, ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    aws.clock.advance(timedelta(days=400))
    for address in ("hi@salon.example", "Boss@SALON.example"):
        refused = put({"from_address": address}, org="borealis")
        assert (refused.status, refused.faults) == (422, {"/from_address": "channel_refused"})
    assert domains(aws) == {"salon.example": ("aurora", True)}
    assert check().body["status"] == "active"


def test_records_set_for_one_organization_prove_nothing_for_another(aws: Aws, ses: PlayedSes) -> None:
    # Somebody claims a domain that isn't his, and waits for its owner to set records.
    put({"from_address": "ceo@salon.example"}, org="borealis")
    aws.clock.advance(timedelta(hours=2))
    owner_sets(ses, put())
    aws.clock.advance(timedelta(hours=2))
    answer = check("borealis")
    assert answer.body["status"] == "pending"
    assert "MX" in answer.body["problem"]
    aws.clock.advance(timedelta(hours=2))
    assert check().body["status"] == "active"
    assert domains(aws) == {"salon.example": ("aurora", True)}
    assert check("borealis").body["status"] == "pending"


def test_nobody_keeps_a_domain_from_others_by_trying(aws: Aws, ses: PlayedSes) -> None:
    put(org="borealis")
    assert put().status == 422
    aws.clock.advance(timedelta(minutes=50))
    check("borealis")  # asking again takes no new turn
    aws.clock.advance(timedelta(minutes=11))
    mine = put()
    assert mine.status == 201
    owner_sets(ses, mine)
    assert check().body["status"] == "active"


def test_giving_up_what_was_never_proven_takes_it_from_nobody(aws: Aws, ses: PlayedSes) -> None:
    put(org="borealis")
    aws.clock.advance(timedelta(hours=2))
    mine = put()
    owner_sets(ses, mine)
    assert call("DELETE", "/v1/channels/email", org="borealis").status == 204
    assert check().body["status"] == "active"


def test_a_domain_that_is_given_up_is_free_for_others(aws: Aws, ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    assert call("DELETE", "/v1/channels/email").status == 204
    assert domains(aws) == {}
    with pytest.raises(IdentityError):
        ses.identities.get("salon.example")
    assert put(org="borealis").body["status"] == "pending"


def test_a_removed_organization_leaves_its_domain_to_others(ses: PlayedSes) -> None:
    owner_sets(ses, put(org="borealis"))
    assert check("borealis").body["status"] == "active"
    assert call("DELETE", "/v1/organizations/borealis", role="operator").status == 202
    mine = put()
    assert mine.body["status"] == "pending"
    owner_sets(ses, mine)
    assert check().body["status"] == "active"


def test_another_domain_takes_over_when_it_is_stored_and_the_former_goes(aws: Aws, ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    moved = put({"from_address": "hi@new.example"})
    assert moved.body["status"] == "pending"
    assert set(domains(aws)) == {"salon.example", "new.example"}
    owner_sets(ses, moved)
    assert check().body["status"] == "active"
    assert domains(aws) == {"new.example": ("aurora", True)}


def test_another_address_of_the_same_domain_needs_no_new_proof(ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    assert put({"from_address": "info@salon.example"}).body["status"] == "active"


@pytest.mark.parametrize("address", ["x@example.com", "x@mail.example.com", "x@platform.example"])
def test_the_deployments_own_domains_are_nobodys(aws: Aws, ses: PlayedSes, address: str) -> None:
    assert aws.environment["EMAIL_FROM"].endswith("@example.com")
    refused = put({"from_address": address})
    assert (refused.status, refused.faults) == (422, {"/from_address": "channel_refused"})
    assert "mail_from" not in ses.calls


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "x"), 503, "provider_unreachable"),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "x"), 503, "provider_unreachable"),
        (ReadTimeoutError(endpoint_url="x"), 503, "provider_unreachable"),
        (ClientError({"Error": {"Code": "LimitExceededException", "Message": ""}}, "x"), 422, "channel_refused"),
        (ClientError({"Error": {"Code": "BadRequestException", "Message": ""}}, "x"), 422, "channel_refused"),
    ],
)
def test_what_ses_answers_is_told(ses: PlayedSes, answer: Exception, status: int, code: str) -> None:
    ses.answer = answer
    refused = put()
    assert refused.status == status
    assert refused.code == code or code in refused.faults.values()
    ses.answer = None
    assert put().status == 201


@pytest.mark.parametrize("at", range(1, 5))
def test_connecting_goes_on_where_it_died(ses: PlayedSes, at: int) -> None:
    ses.dies_after = at
    try:
        owner_sets(ses, put())
    except DiedError:
        ses.dies_after = None
        owner_sets(ses, put())
    ses.dies_after = None
    assert check().body["status"] == "active"


@pytest.mark.parametrize("at", [1, 2])
def test_giving_up_goes_on_where_it_died(aws: Aws, ses: PlayedSes, at: int) -> None:
    owner_sets(ses, put())
    check()
    ses.dies_after = len(ses.calls) + at
    with pytest.raises(DiedError):
        call("DELETE", "/v1/channels/email")
    ses.dies_after = None
    assert call("DELETE", "/v1/channels/email").status == 204
    assert domains(aws) == {}


def test_an_identity_that_vanished_is_made_again(ses: PlayedSes) -> None:
    owner_sets(ses, put())
    check()
    ses.identities.delete("salon.example")
    assert check().body["status"] == "active"


def test_test_keys_ask_nobody(ses: PlayedSes) -> None:
    assert put(mode="test").body["status"] == "active"
    assert ses.calls == []


def choose(sender: str) -> Response:
    current = call("GET", "/v1/settings")
    body = {"email_sender": {"from": sender}}
    return call("PUT", "/v1/settings", body, headers={"if-match": current.headers["ETag"]})


@pytest.mark.parametrize("sender", ["organization", "staff"])
def test_choosing_a_sender_that_is_not_verified_yet_is_saved_with_a_warning(ses: PlayedSes, sender: str) -> None:
    def warned() -> list[str]:
        saved = choose(sender)
        assert saved.status == 200
        return [each["code"] for each in saved.body["warnings"]]

    assert warned() == ["sender_not_verified"]
    owner_sets(ses, put())
    assert warned() == ["sender_not_verified"]
    check()
    assert warned() == []
    assert choose("no_reply").body["warnings"] == []


def test_the_card_shows_how_the_own_address_stands(ses: PlayedSes) -> None:
    def card() -> tuple[str, Any]:
        items = call("GET", "/v1/integrations").body["items"]
        (found,) = (each for each in items if each["id"] == "email")
        return found["status"], found.get("own")

    choose("organization")
    assert card() == ("active", None)
    owner_sets(ses, put())
    assert card() == ("active", "pending")
    check()
    assert card() == ("active", "active")
