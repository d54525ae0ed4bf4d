"""Own senders over HTTP: connected, shown without secrets, looked at again, given up; each death repaired."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from carillon.bootstrap import channels as bootstrap
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected
from tests.integration.account import Aws, Response, call, new_organization
from tests.logs import listening

pytestmark = pytest.mark.usefixtures("organization")
TOKEN = "4d1c8f0a2b6e4c7d9e0f1a2b3c4d5e6f"
ACCOUNT = "AC" + "0" * 32
WHATSAPP = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": "+31201234567"}


class DiedError(BaseException):
    """The process ends here."""


@dataclass
class PlayedAdmin:
    """A provider's side: what was asked of it, and what it says."""

    answer: Connected | Exception = field(default_factory=lambda: Connected(active=True, sender="+31201234567"))
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    befores: list[OwnSender | None] = field(default_factory=list)
    owns: list[OwnSender] = field(default_factory=list)
    dies: bool = False

    def connect(self, org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        self.befores.append(before)
        assert stated["auth_token"]
        return self._say("connect", org_id, channel_id)

    def check(self, org_id: str, channel_id: str, own: OwnSender) -> Connected:
        self.owns.append(own)
        return self._say("check", org_id, channel_id)

    def disconnect(self, org_id: str, channel_id: str, own: OwnSender) -> None:
        self.owns.append(own)
        self._say("disconnect", org_id, channel_id)

    def _say(self, what: str, org_id: str, channel_id: str) -> Connected:
        self.asked.append((what, org_id, channel_id))
        if self.dies:
            raise DiedError
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def organization(aws: Aws) -> None:  # noqa: ARG001 - the account is made first
    new_organization()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> PlayedAdmin:
    played = PlayedAdmin()
    monkeypatch.setitem(bootstrap.ADMINS, "whatsapp", lambda _told, _url: played)
    return played


def put(channel: str, body: Any, **given: Any) -> Response:
    return call("PUT", f"/v1/channels/{channel}", body, **given)


def shown(channel: str, **given: Any) -> dict[str, Any]:
    (found,) = [item for item in call("GET", "/v1/channels", **given).body["items"] if item["channel"] == channel]
    return dict(found)


def state(aws: Aws, org: str = "aurora") -> dict[str, Any]:
    (item,) = aws.items(f"{org}#ORG")
    return dict(json.loads(item["doc"])["channels"])


def item(aws: Aws, channel: str = "whatsapp") -> dict[str, Any] | None:
    return next((each for each in aws.items("aurora#CHN") if each["sk"] == channel), None)


def references(aws: Aws) -> list[tuple[str, str, str]]:
    return [(each["pk"].removeprefix("@#CH#"), each["o"], each["ch"]) for each in aws.items("@#CH#")]


def test_all_channels_are_listed_with_what_serves_them() -> None:
    listed = call("GET", "/v1/channels").body
    assert listed["next_cursor"] is None
    assert [(each["channel"], each["status"], each["shared"]) for each in listed["items"]] == [
        ("email", "not_connected", True),
        ("sms", "not_connected", True),
        ("whatsapp", "not_connected", True),
        ("push", "not_connected", False),
        ("telegram", "not_connected", False),
        ("viber", "not_connected", False),
    ]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("org_admin", True, True),
        ("manager", True, False),
        ("integration", False, False),
        ("staff", False, False),
        ("operator", False, False),
    ],
)
def test_administrators_connect_and_managers_look_on(role: str, reads: bool, writes: bool) -> None:
    answers = [
        put("sms", {"sender_id": "Aurora"}, role=role),
        call("POST", "/v1/channels/sms/check", role=role),
        call("DELETE", "/v1/channels/sms", role=role),
    ]
    assert [answer.status for answer in answers] == ([201, 200, 204] if writes else [403, 403, 403])
    assert call("GET", "/v1/channels", role=role).status == (200 if reads else 403)


def test_senders_of_one_tenant_are_nothing_to_the_others(aws: Aws) -> None:
    new_organization("borealis")
    put("sms", {"sender_id": "Aurora"})
    others: list[dict[str, Any]] = [{"org": "borealis"}, {"mode": "test"}]
    for given in others:
        assert shown("sms", **given)["status"] == "not_connected"
        assert call("POST", "/v1/channels/sms/check", **given).code == "channel_not_connected"
        assert call("DELETE", "/v1/channels/sms", **given).status == 404
    assert state(aws)["sms"]["status"] == "active"
    assert aws.items("borealis#CHN") == []


def test_a_sender_name_for_sms_is_connected_at_once(aws: Aws) -> None:
    made = put("sms", {"sender_id": "Aurora"})
    assert made.status == 201
    assert (made.body["status"], made.body["sender"], made.body["configuration"]) == (
        "active",
        "Aurora",
        {"sender_id": "Aurora"},
    )
    assert shown("sms") == made.body
    assert state(aws)["sms"]["status"] == "active"


def test_a_name_that_no_phone_would_show_is_refused() -> None:
    for wrong in ("12345", "Salon Aurora", "MuchTooLongName"):
        assert put("sms", {"sender_id": wrong}).faults == {"/sender_id": "invalid_value"}
    assert put("sms", {"sender_id": "Aurora", "country": "NL"}).faults == {"/country": "unknown_field"}
    assert put("whatsapp", {"sender": "+31201234567"}).faults == {
        "/account_sid": "missing_field",
        "/auth_token": "missing_field",
    }
    assert put("fax", {"sender_id": "Aurora"}).status == 404


def test_state_sender_and_audit_entry_are_written_together_and_the_id_is_known(aws: Aws, provider: PlayedAdmin) -> None:
    made = put("whatsapp", WHATSAPP)
    assert made.status == 201
    assert provider.asked == [("connect", "aurora", made.body["id"])]
    assert references(aws) == [(made.body["id"], "aurora", "whatsapp")]
    kept = state(aws)["whatsapp"]
    assert (kept["status"], kept["sender"], kept["revision"], kept["paused_until"]) == (
        "active",
        "+31201234567",
        2,
        None,
    )
    (entry,) = aws.items("aurora#AUD#")
    audit = json.loads(entry["doc"])
    assert (audit["what"], audit["version"], audit["actor"]) == ("channel/whatsapp", 2, {"key_id": "key-1"})
    assert audit["after"]["configuration"] == {"account_sid": ACCOUNT, "sender": "+31201234567"}
    assert audit["after"]["secrets"] == ["auth_token"]


def test_a_secret_is_never_shown_and_lies_nowhere_in_clear(aws: Aws, provider: PlayedAdmin) -> None:
    provider.answer = Connected(active=True, sender="x", secrets={"webhook_secret": "hook-" + TOKEN})
    with listening() as log:
        answers = [put("whatsapp", WHATSAPP), call("GET", "/v1/channels"), call("POST", "/v1/channels/whatsapp/check")]
        provider.answer = ChannelRefused("the account says no", "/auth_token")
        answers.append(put("whatsapp", WHATSAPP))
        provider.answer = ValueError("a library quotes " + TOKEN)
        answers.append(put("whatsapp", WHATSAPP))
    assert [answer.status for answer in answers] == [201, 200, 200, 422, 500]
    assert TOKEN not in str([answer.body for answer in answers])
    assert TOKEN not in str(aws.items())
    assert TOKEN not in repr(provider.owns)
    assert [(entry["message"], entry["exception_name"]) for entry in log.entries] == [
        ("request failed", "ProviderBrokeError")
    ]
    assert TOKEN not in log.text
    assert provider.owns[0].secrets == {"auth_token": TOKEN, "webhook_secret": "hook-" + TOKEN}


@pytest.mark.usefixtures("provider")
def test_credentials_open_for_their_own_organization_only(aws: Aws) -> None:
    put("whatsapp", WHATSAPP)
    sealed = (item(aws) or {})["sealed"]
    vault = bootstrap.services()._vault
    assert vault.open("aurora", sealed) == {"auth_token": TOKEN}
    with pytest.raises(Exception, match="InvalidCiphertext"):
        vault.open("borealis", sealed)


def test_the_same_sender_stated_again_writes_nothing_new(aws: Aws, provider: PlayedAdmin) -> None:
    first = put("whatsapp", WHATSAPP)
    again = put("whatsapp", WHATSAPP)
    assert (again.status, again.body) == (200, first.body)
    assert provider.befores[1] is not None
    assert provider.befores[1].secrets == {"auth_token": TOKEN}
    assert len(aws.items("aurora#AUD#")) == 1
    assert "trying" not in (item(aws) or {})


@pytest.mark.usefixtures("provider")
def test_new_credentials_keep_the_id_and_have_a_new_revision(aws: Aws) -> None:
    first = put("whatsapp", WHATSAPP).body
    second = put("whatsapp", WHATSAPP | {"auth_token": "another-" + TOKEN})
    assert (second.status, second.body["id"]) == (200, first["id"])
    assert state(aws)["whatsapp"]["revision"] == 3
    assert len(references(aws)) == 1


def test_what_the_provider_refuses_is_not_stored_and_names_the_field(aws: Aws, provider: PlayedAdmin) -> None:
    provider.answer = ChannelRefused("Twilio does not know these credentials", "/auth_token")
    refused = put("whatsapp", WHATSAPP)
    assert (refused.status, refused.code, refused.faults) == (
        422,
        "channel_refused",
        {"/auth_token": "channel_refused"},
    )
    assert (item(aws), references(aws), state(aws)) == (None, [], {})


def test_a_refused_change_leaves_the_sender_in_force_as_it_was(aws: Aws, provider: PlayedAdmin) -> None:
    put("whatsapp", WHATSAPP)
    before = item(aws) or {}
    provider.answer = ChannelRefused("no")
    assert put("whatsapp", WHATSAPP | {"auth_token": "wrong-" + TOKEN}).status == 422
    after = item(aws) or {}
    assert {**after, "v": before["v"]} == before
    assert state(aws)["whatsapp"]["revision"] == 2


def test_a_provider_that_cannot_be_asked_is_a_503_and_the_call_repeated_finishes(
    aws: Aws, provider: PlayedAdmin
) -> None:
    provider.answer, good = ChannelUnreachable("Twilio did not answer"), provider.answer
    failed = put("whatsapp", WHATSAPP)
    assert (failed.status, failed.code) == (503, "provider_unreachable")
    assert shown("whatsapp")["status"] == "not_connected"
    provider.answer = good
    made = put("whatsapp", WHATSAPP)
    assert (made.status, made.body["status"]) == (201, "active")
    assert references(aws) == [(made.body["id"], "aurora", "whatsapp")]
    assert {each[2] for each in provider.asked} == {made.body["id"]}


def test_a_death_between_the_provider_and_the_store_is_repaired_by_the_call_repeated(
    aws: Aws, provider: PlayedAdmin
) -> None:
    provider.dies = True
    with pytest.raises(DiedError):
        put("whatsapp", WHATSAPP)
    assert (shown("whatsapp")["status"], state(aws)) == ("not_connected", {})
    provider.dies = False
    assert put("whatsapp", WHATSAPP).status == 201
    assert len({each[2] for each in provider.asked}) == 1
    assert "trying" not in (item(aws) or {})


def test_an_attempt_that_broke_off_can_be_given_up(aws: Aws, provider: PlayedAdmin) -> None:
    provider.dies = True
    with pytest.raises(DiedError):
        put("whatsapp", WHATSAPP)
    provider.dies = False
    assert call("DELETE", "/v1/channels/whatsapp").status == 204
    assert provider.owns[0].secrets == {"auth_token": TOKEN}
    assert (item(aws), references(aws)) == (None, [])


def test_another_save_of_the_organization_meanwhile_is_kept(aws: Aws, provider: PlayedAdmin) -> None:
    def meanwhile() -> None:
        aws.just_before("TransactWriteItems", lambda: call("POST", "/v1/integrations/notifications/activate"))

    aws.just_before("TransactWriteItems", meanwhile)  # past the attempt's, before the last one
    assert put("whatsapp", WHATSAPP).status == 201
    assert call("GET", "/v1/me").body["notifications_active"] is True
    assert state(aws)["whatsapp"]["status"] == "active"
    assert len(provider.asked) == 1


def test_two_attempts_at_once_end_as_one_of_them_and_the_other_is_told(aws: Aws, provider: PlayedAdmin) -> None:
    other = WHATSAPP | {"auth_token": "other-" + TOKEN}
    second: list[Response] = []

    def first_one_in_between(org_id: str, channel_id: str, *_: object) -> Connected:
        provider.connect = original  # type: ignore[method-assign]
        second.append(put("whatsapp", other))
        return original(org_id, channel_id, WHATSAPP, None)

    original = provider.connect
    provider.connect = first_one_in_between  # type: ignore[method-assign, assignment]
    assert (put("whatsapp", WHATSAPP).code, second[0].status) == ("busy", 201)
    assert bootstrap.services()._vault.open("aurora", (item(aws) or {})["sealed"])["auth_token"] == other["auth_token"]


def test_a_pending_sender_becomes_active_when_its_check_says_so(aws: Aws, provider: PlayedAdmin) -> None:
    provider.answer = Connected(active=False, sender="+31201234567", problem="not online yet")
    assert put("whatsapp", WHATSAPP).body["problem"] == "not online yet"
    assert state(aws)["whatsapp"]["status"] == "pending"
    provider.answer = Connected(active=True, sender="+31201234567")
    checked = call("POST", "/v1/channels/whatsapp/check")
    assert (checked.status, checked.body["status"], checked.body["problem"]) == (200, "active", None)
    assert state(aws)["whatsapp"]["status"] == "active"
    assert len(aws.items("aurora#AUD#")) == 2


def test_a_sender_that_its_provider_refuses_at_the_check_is_not_used_and_says_why(
    aws: Aws, provider: PlayedAdmin
) -> None:
    put("whatsapp", WHATSAPP)
    provider.answer = ChannelRefused("the account is closed")
    checked = call("POST", "/v1/channels/whatsapp/check")
    assert (checked.body["status"], checked.body["problem"]) == ("pending", "the account is closed")
    assert state(aws)["whatsapp"]["status"] == "pending"


def test_a_check_repeated_with_its_key_asks_once(provider: PlayedAdmin) -> None:
    put("whatsapp", WHATSAPP)
    key = {"idempotency-key": "k1"}
    first = call("POST", "/v1/channels/whatsapp/check", headers=key)
    again = call("POST", "/v1/channels/whatsapp/check", headers=key)
    assert first.body == again.body
    assert [each[0] for each in provider.asked] == ["connect", "check"]


def test_without_a_sender_there_is_nothing_to_check_or_to_give_up() -> None:
    checked = call("POST", "/v1/channels/whatsapp/check")
    assert (checked.status, checked.code) == (409, "channel_not_connected")
    assert call("DELETE", "/v1/channels/whatsapp").status == 404


def test_giving_up_undoes_everything_and_is_audited(aws: Aws, provider: PlayedAdmin) -> None:
    made = put("whatsapp", WHATSAPP).body
    assert call("DELETE", "/v1/channels/whatsapp").status == 204
    assert provider.asked[-1] == ("disconnect", "aurora", made["id"])
    assert (item(aws), references(aws), state(aws)) == (None, [], {})
    entries = [json.loads(each["doc"]) for each in aws.items("aurora#AUD#")]
    assert sorted(entry["version"] for entry in entries if entry["after"] is None) == [3]
    assert call("DELETE", "/v1/channels/whatsapp").status == 404


def test_a_sender_given_up_is_out_of_use_even_while_its_provider_cannot_be_asked(
    aws: Aws, provider: PlayedAdmin
) -> None:
    put("whatsapp", WHATSAPP)
    provider.answer, good = ChannelUnreachable("no answer"), provider.answer
    assert call("DELETE", "/v1/channels/whatsapp").status == 503
    assert (state(aws), shown("whatsapp")["status"]) == ({}, "not_connected")
    provider.answer = good
    assert call("DELETE", "/v1/channels/whatsapp").status == 204
    assert (item(aws), references(aws)) == (None, [])


@pytest.mark.usefixtures("provider")
def test_a_sender_connected_again_after_it_was_given_up_has_a_higher_revision(aws: Aws) -> None:
    put("whatsapp", WHATSAPP)
    first = state(aws)["whatsapp"]["revision"]
    call("DELETE", "/v1/channels/whatsapp")
    put("whatsapp", WHATSAPP)
    assert state(aws)["whatsapp"]["revision"] > first


def test_a_removed_organizations_sender_is_undone_at_its_provider(aws: Aws, provider: PlayedAdmin) -> None:
    made = put("whatsapp", WHATSAPP).body
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    assert provider.asked[-1] == ("disconnect", "aurora", made["id"])
    assert provider.owns[-1].secrets == {"auth_token": TOKEN}
    assert json.loads(aws.items("aurora#ORG")[0]["doc"])["deleted"] is True


def test_a_provider_that_does_not_answer_keeps_no_organization(provider: PlayedAdmin) -> None:
    put("whatsapp", WHATSAPP)
    provider.answer = ChannelUnreachable("no answer")
    with listening() as log:
        assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    (said,) = log.entries
    assert (said["message"], said["channel"], said["reason"]) == (
        "sender left at its provider",
        "whatsapp",
        "ChannelUnreachable",
    )
    assert TOKEN not in log.text


def test_test_data_asks_no_provider_and_keeps_no_secret(aws: Aws, provider: PlayedAdmin) -> None:
    made = put("whatsapp", WHATSAPP, mode="test")
    assert (made.status, made.body["status"], made.body["sender"]) == (201, "active", "+31201234567")
    assert call("POST", "/v1/channels/whatsapp/check", mode="test").body == made.body
    assert shown("whatsapp", mode="test") == made.body
    assert put("whatsapp", WHATSAPP, mode="test").status == 200
    (stored,) = aws.items("aurora~test#CHN")
    assert "sealed" not in stored
    assert TOKEN not in str(stored)
    assert shown("whatsapp")["status"] == "not_connected"
    assert call("DELETE", "/v1/channels/whatsapp", mode="test").status == 204
    assert (provider.asked, aws.items("aurora~test#CHN")) == ([], [])
