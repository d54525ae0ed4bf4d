"""Clients over HTTP: one per contact, found by phone, e-mail and name, enrolled with a copy of the reminders."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.account import Aws, Response, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
ANNA = {"first_name": "Anna", "last_name": "Müller", "phone": "0612345678", "email": "Anna@example.com"}


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    aws.calls.clear()


def post(**fields: Any) -> Response:
    return call("POST", "/v1/clients", ANNA | fields)


def put(client_id: str, **fields: Any) -> Response:
    return call("PUT", f"/v1/clients/{client_id}", {"first_name": client_id} | fields)


def save_settings(**fields: Any) -> None:
    assert call("PUT", "/v1/settings", fields, headers={"if-match": "*"}).status == 200


def found(**query: str) -> list[str]:
    return [item["id"] for item in call("GET", "/v1/clients", query=query).body["items"]]


def test_a_client_is_made_with_one_read_and_one_write(aws: Aws) -> None:
    made = post(id="c1", tags=["vip"])
    assert aws.calls == ["BatchGetItem", "TransactWriteItems"]
    assert made.status == 201
    assert made.body == {
        "id": "c1",
        "first_name": "Anna",
        "last_name": "Müller",
        "email": "Anna@example.com",
        "phone": "+31612345678",
        "locale": None,
        "time_zone": None,
        "tags": ["vip"],
        "enrolled": True,
        "consents": {"service": {}, "marketing": {}},
        "allow_shared_contact": False,
        "telegram_linked": False,
        "viber_linked": False,
        "can_message": dict.fromkeys(("email", "sms", "whatsapp", "push", "telegram", "viber"), False),
    }
    assert call("GET", "/v1/clients/c1").body == made.body


def test_a_client_without_an_id_gets_one() -> None:
    assert len(post().body["id"]) == 26


def test_all_faults_of_a_client_are_named_at_once() -> None:
    wrong = call("POST", "/v1/clients", {"phone": "12", "email": "x", "locale": "EN", "id": "a b", "nickname": "A"})
    assert wrong.status == 422
    assert wrong.faults == {
        "/first_name": "missing_field",
        "/phone": "invalid_value",
        "/email": "invalid_value",
        "/locale": "invalid_value",
        "/id": "invalid_value",
        "/nickname": "unknown_field",
    }


def test_what_get_answers_can_be_put_back_and_changes_nothing(aws: Aws) -> None:
    shown = post(id="c1", consents={"service": {"sms": True}, "marketing": {"email": True}, "wording": "Yes"}).body
    before = aws.items("aurora")
    again = call("PUT", "/v1/clients/c1", shown)
    assert (again.status, again.body) == (200, shown)
    assert aws.items("aurora") == before


def test_a_put_makes_or_replaces() -> None:
    assert put("c1", phone="0612345678", tags=["a"]).status == 201
    replaced = put("c1", email="anna@example.com")
    assert (replaced.status, replaced.body["phone"], replaced.body["tags"]) == (200, None, [])
    other = call("PUT", "/v1/clients/c1", {"id": "c2", "first_name": "x"})
    assert (other.status, other.faults) == (422, {"/id": "invalid_value"})


def test_a_patch_changes_what_it_names_and_null_empties() -> None:
    post(id="c1", consents={"service": {"sms": True}})
    patched = call("PATCH", "/v1/clients/c1", {"last_name": "Bakker", "email": None})
    assert (patched.body["last_name"], patched.body["email"]) == ("Bakker", None)
    assert (patched.body["phone"], patched.body["consents"]["service"]) == ("+31612345678", {"sms": True})
    assert call("PATCH", "/v1/clients/nobody", {"last_name": "x"}).status == 404
    assert call("PATCH", "/v1/clients/c1", {"first_name": None}).status == 422


class TestDuplicates:
    @pytest.mark.parametrize("contact", [{"phone": "+31 6 12345678"}, {"email": "ANNA@EXAMPLE.COM"}])
    def test_a_contact_in_use_is_refused_and_its_client_named(self, contact: dict[str, str]) -> None:
        post(id="c1")
        refused = call("POST", "/v1/clients", {"first_name": "Ben"} | contact)
        assert (refused.status, refused.code) == (409, "duplicate_client")
        assert "'c1'" in refused.body["detail"]
        assert put("c2", **contact).status == 409
        put("c2")
        assert call("PATCH", "/v1/clients/c2", contact).status == 409

    def test_an_id_in_use_is_refused_on_post(self) -> None:
        post(id="c1")
        assert call("POST", "/v1/clients", {"id": "c1", "first_name": "Ben"}).code == "duplicate_client"

    def test_of_racing_creations_exactly_one_wins(self, aws: Aws) -> None:
        answers: list[Response] = []
        aws.just_before("TransactWriteItems", lambda: answers.append(put("c2", phone="0612345678")))
        answers.append(put("c1", phone="0612345678"))
        assert [(answer.status, answer.code) for answer in answers] == [(201, None), (409, "duplicate_client")]
        assert found(phone="0612345678") == ["c2"]
        assert found() == ["c2"]

    def test_of_racing_changes_both_are_kept(self, aws: Aws) -> None:
        post(id="c1")
        aws.just_before("TransactWriteItems", lambda: call("PATCH", "/v1/clients/c1", {"locale": "pl"}))
        stated = {"service": {"sms": True}}
        assert call("PUT", "/v1/clients/c1/consents", stated).status == 200
        both = call("GET", "/v1/clients/c1").body
        assert (both["locale"], both["consents"]["service"]) == ("pl", {"sms": True})

    def test_a_changed_phone_moves_the_guard(self) -> None:
        post(id="c1")
        assert call("PATCH", "/v1/clients/c1", {"phone": "0687654321"}).status == 200
        assert put("c2", phone="0612345678").status == 201
        assert put("c3", phone="0687654321").status == 409

    def test_a_client_that_may_share_is_exempt(self) -> None:
        post(id="mother")
        assert post(id="child", allow_shared_contact=True).status == 201
        assert sorted(found(phone="0612345678")) == ["child", "mother"]
        call("PATCH", "/v1/clients/mother", {"phone": None, "email": None})
        assert put("other", phone="0612345678").status == 201

    def test_where_duplicates_are_allowed_they_are(self) -> None:
        save_settings(prevent_duplicate_clients=False)
        assert post(id="c1").status == 201
        assert post(id="c2").status == 201
        save_settings(prevent_duplicate_clients=True)
        assert post(id="c3").code == "duplicate_client"
        assert call("PATCH", "/v1/clients/c2", {"last_name": "Bakker"}).status == 200

    def test_a_guard_given_up_goes_to_whom_the_contact_belongs_too(self) -> None:
        save_settings(prevent_duplicate_clients=False)
        post(id="c1")
        post(id="c2")
        save_settings(prevent_duplicate_clients=True)
        call("PATCH", "/v1/clients/c1", {"phone": None, "email": None})
        refused = post(id="c3")
        assert (refused.code, "'c2'" in refused.body["detail"]) == ("duplicate_client", True)

    def test_other_organizations_and_data_sets_do_not_count(self) -> None:
        new_organization("borealis")
        post(id="c1")
        assert call("POST", "/v1/clients", ANNA, org="borealis").status == 201
        assert call("POST", "/v1/clients", ANNA, mode="test").status == 201


class TestSearch:
    def test_finds_by_phone_e_mail_and_the_beginnings_of_names(self, aws: Aws) -> None:
        post(id="c1")
        put("c2", last_name="Łukaszewicz-Smit", phone="+48601234567")
        aws.calls.clear()
        assert found(phone="+31612345678") == ["c1"]
        assert aws.calls == ["Query", "BatchGetItem"]
        assert found(phone="06-12345678") == ["c1"]
        assert found(phone=" 31612345678") == ["c1"]
        assert found(email="anna@EXAMPLE.com") == ["c1"]
        assert found(q="mull") == ["c1"]
        assert found(q="MÜL an") == ["c1"]
        assert found(q="lukasz") == ["c2"]
        assert found(q="mul ben") == []
        assert found(phone="+31612345678", q="ben") == []
        assert found(email="nobody@example.com") == []

    def test_follows_a_change_of_name_and_contact(self) -> None:
        post(id="c1")
        call("PATCH", "/v1/clients/c1", {"last_name": "Bakker", "email": "b@example.com"})
        assert (found(q="muller"), found(q="bakker")) == ([], ["c1"])
        assert (found(email="anna@example.com"), found(email="b@example.com")) == ([], ["c1"])

    def test_lists_all_by_name_page_by_page(self) -> None:
        for number in range(12):
            put(f"c{number}", first_name=f"N{number:02}")
        seen: list[str] = []
        query = {"limit": "5"}
        sizes = []
        while True:
            page = call("GET", "/v1/clients", query=query).body
            sizes.append(len(page["items"]))
            seen += [item["first_name"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == [f"N{number:02}" for number in range(12)]
        assert sizes == [5, 5, 2]

    def test_refuses_what_finds_everybody_or_nobody(self) -> None:
        assert call("GET", "/v1/clients", query={"q": "a b"}).faults == {"/q": "invalid_value"}
        assert call("GET", "/v1/clients", query={"phone": "+999 12"}).faults == {"/phone": "invalid_value"}


class TestRemoval:
    def test_hides_and_frees_the_contact(self) -> None:
        post(id="c1")
        assert call("DELETE", "/v1/clients/c1").status == 204
        assert call("GET", "/v1/clients/c1").status == 404
        assert call("DELETE", "/v1/clients/c1").status == 404
        assert (found(), found(q="anna"), found(phone="0612345678")) == ([], [], [])
        assert post(id="c2").status == 201

    def test_a_client_that_comes_back_keeps_what_it_once_refused(self) -> None:
        save_settings(consent_defaults={"phone": True, "email": True})
        post(id="c1")
        call("PUT", "/v1/clients/c1/consents", {"service": {"sms": False}})
        call("DELETE", "/v1/clients/c1")
        back = post(id="c1")
        assert back.status == 201
        assert back.body["consents"]["service"]["sms"] is False


class TestConsents:
    def test_a_new_client_agreed_to_what_the_settings_say(self) -> None:
        save_settings(consent_defaults={"phone": True, "email": False})
        made = post(id="c1", consents={"service": {"whatsapp": False}}).body
        assert made["consents"]["service"] == {"sms": True, "whatsapp": False, "viber": True}
        assert (made["can_message"]["sms"], made["can_message"]["whatsapp"]) == (True, False)

    def test_the_ledger_keeps_who_said_what_when_in_which_words(self, aws: Aws) -> None:
        post(id="c1")
        aws.calls.clear()
        stated = {"service": {"sms": True}, "marketing": {"email": True}, "source": "form", "wording": "I agree"}
        headers = {"on-behalf-of": "user-7"}
        first = call("PUT", "/v1/clients/c1/consents", stated, headers=headers)
        assert aws.calls == ["BatchGetItem", "TransactWriteItems", "Query"]
        assert (first.body["service"], first.body["marketing"]) == ({"sms": True}, {"email": True})
        aws.clock.advance(timedelta(minutes=1))
        call("PUT", "/v1/clients/c1/consents", {"marketing": {"email": False}})
        history = call("GET", "/v1/clients/c1/consents").body["history"]
        assert [(line["channel"], line["purpose"], line["granted"]) for line in history] == [
            ("sms", "service", True),
            ("email", "marketing", True),
            ("email", "marketing", False),
        ]
        assert history[1] | {"at": ""} == {
            "channel": "email",
            "purpose": "marketing",
            "granted": True,
            "at": "",
            "source": "form",
            "actor": {"key_id": "key-1", "user": "user-7"},
            "wording": "I agree",
        }
        assert history[2]["source"] == "api"

    def test_marketing_needs_the_words_that_were_agreed_to(self) -> None:
        post(id="c1")
        refused = call("PUT", "/v1/clients/c1/consents", {"marketing": {"sms": True}, "at": "2030-01-01T00:00:00Z"})
        assert refused.faults == {"/wording": "missing_field", "/at": "invalid_value"}
        assert post(id="c2", phone=None, email=None, consents={"marketing": {"sms": True}}).faults == {
            "/consents/wording": "missing_field"
        }

    def test_an_unknown_channel_is_refused(self) -> None:
        post(id="c1")
        assert call("PUT", "/v1/clients/c1/consents", {"service": {"fax": True}}).status == 422
        assert call("PUT", "/v1/clients/nobody/consents", {"service": {"sms": True}}).status == 404


class TestEnrolment:
    @pytest.fixture(autouse=True)
    def _active(self, organization: None) -> None:  # noqa: ARG002 - it has to be there first
        activate()

    def test_the_first_enrolment_copies_the_reminders_of_that_day(self) -> None:
        post(id="c1", enrolled=False)
        reminders = call("GET", "/v1/settings").body["reminders"]
        for reminder in reminders:
            reminder["enabled"] = False
        save_settings(reminders=reminders)
        assert call("POST", "/v1/clients/c1/enrolment").body["enrolled"] is True
        save_settings(reminders=[reminder | {"enabled": True} for reminder in reminders])
        own = call("GET", "/v1/clients/c1/preferences").body
        assert (own["origin"], {each["enabled"] for each in own["reminders"]}) == ("defaults", {False})
        assert call("DELETE", "/v1/clients/c1/enrolment").status == 204
        assert call("GET", "/v1/clients/c1").body["enrolled"] is False
        call("POST", "/v1/clients/c1/enrolment")
        assert call("GET", "/v1/clients/c1/preferences").body == own

    def test_new_clients_are_enrolled_as_the_settings_say(self) -> None:
        save_settings(enrol_new_clients=False)
        assert post(id="c1").body["enrolled"] is False
        assert put("c2", enrolled=True).body["enrolled"] is True

    def test_own_reminders_win_over_later_defaults_until_reset(self, aws: Aws) -> None:
        post(id="c1")
        shown = call("GET", "/v1/clients/c1/preferences")
        own = shown.body | {"reminders": shown.body["reminders"][:1]}
        aws.calls.clear()
        saved = call("PUT", "/v1/clients/c1/preferences", own, headers={"if-match": shown.headers["ETag"]})
        assert aws.calls == ["BatchGetItem", "PutItem"]
        assert (saved.status, saved.body["origin"], len(saved.body["reminders"])) == (200, "custom", 1)
        again = call("GET", "/v1/clients/c1/preferences")
        assert (again.headers["ETag"], again.body["reminders"]) == (saved.headers["ETag"], own["reminders"])
        reset = call("POST", "/v1/clients/c1/preferences/reset")
        assert (reset.body["origin"], len(reset.body["reminders"])) == ("defaults", 7)

    def test_preferences_are_saved_over_the_version_that_was_read(self) -> None:
        post(id="c1")
        path = "/v1/clients/c1/preferences"
        shown = call("GET", path)
        assert call("PUT", path, shown.body).status == 428
        assert call("PUT", path, shown.body, headers={"if-match": '"old"'}).status == 412
        same = call("PUT", path, shown.body, headers={"if-match": shown.headers["ETag"]})
        assert (same.body["origin"], same.headers["ETag"]) == ("defaults", shown.headers["ETag"])
        call("PUT", path, {"reminders": []}, headers={"if-match": "*"})
        assert call("PUT", path, shown.body, headers={"if-match": shown.headers["ETag"]}).status == 412
        refused = call("PUT", path, {"origin": "defaults"}, headers={"if-match": "*"})
        assert refused.faults == {"/origin": "read_only"}

    def test_a_change_of_contact_leaves_the_version_of_the_preferences_alone(self) -> None:
        post(id="c1")
        shown = call("GET", "/v1/clients/c1/preferences")
        call("PATCH", "/v1/clients/c1", {"last_name": "Bakker"})
        assert call("GET", "/v1/clients/c1/preferences").headers["ETag"] == shown.headers["ETag"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/clients/c1/enrolment"),
        ("DELETE", "/v1/clients/c1/enrolment"),
        ("GET", "/v1/clients/c1/preferences"),
        ("PUT", "/v1/clients/c1/preferences"),
        ("POST", "/v1/clients/c1/preferences/reset"),
    ],
)
def test_while_inactive_enrolment_and_preferences_are_hidden(method: str, path: str) -> None:
    post(id="c1")
    body: dict[str, list[str]] | None = {"reminders": []} if method == "PUT" else None
    refused = call(method, path, body, headers={"if-match": "*"})
    assert (refused.status, refused.code) == (403, "notifications_inactive")


class TestRepeatedCalls:
    def test_a_repeated_creation_makes_one_client(self, aws: Aws) -> None:
        headers = {"idempotency-key": "k1"}
        first = call("POST", "/v1/clients", ANNA, headers=headers)
        second = call("POST", "/v1/clients", ANNA, headers=headers)
        assert (first.status, first.body) == (second.status, second.body)
        assert len(found()) == 1
        reused = call("POST", "/v1/clients", ANNA | {"last_name": "x"}, headers=headers)
        assert (reused.status, reused.code) == (422, "idempotency_key_reused")
        aws.clock.advance(timedelta(hours=25))
        assert call("POST", "/v1/clients", ANNA, headers=headers).code == "duplicate_client"

    def test_of_racing_repeats_one_has_the_effect_and_both_its_answer(self, aws: Aws) -> None:
        headers = {"idempotency-key": "k"}
        answers: list[Response] = []
        aws.just_before(
            "TransactWriteItems", lambda: answers.append(call("POST", "/v1/clients", ANNA, headers=headers))
        )
        answers.append(call("POST", "/v1/clients", ANNA, headers=headers))
        assert {answer.status for answer in answers} == {201}
        assert len({answer.body["id"] for answer in answers}) == 1
        assert len(found()) == 1

    def test_a_refused_call_may_be_repeated_with_its_key(self) -> None:
        post(id="c1")
        headers = {"idempotency-key": "k"}
        assert call("POST", "/v1/clients", ANNA, headers=headers).status == 409
        call("DELETE", "/v1/clients/c1")
        assert call("POST", "/v1/clients", ANNA, headers=headers).status == 201


class TestStaff:
    def test_is_made_listed_changed_and_removed(self, aws: Aws) -> None:
        member = {"id": "s1", "name": "Sofie", "mobile": "0612345678", "roles": ["manager", "collaborator"]}
        made = call("POST", "/v1/staff", member)
        assert (made.status, made.body["mobile"], made.body["active"]) == (201, "+31612345678", True)
        assert call("POST", "/v1/staff", member).status == 409
        assert call("PUT", "/v1/staff/s2", {"name": "Tom"}).status == 201
        assert call("PATCH", "/v1/staff/s1", {"active": False}).body == made.body | {"active": False}
        aws.calls.clear()
        assert [item["id"] for item in call("GET", "/v1/staff").body["items"]] == ["s1", "s2"]
        assert aws.calls == ["Query"]
        assert call("DELETE", "/v1/staff/s1").status == 204
        assert call("GET", "/v1/staff/s1").status == 404
        assert call("DELETE", "/v1/staff/s1").status == 404

    def test_all_faults_of_a_member_are_named(self) -> None:
        wrong = call("POST", "/v1/staff", {"mobile": "1", "roles": ["boss"], "email": "x"})
        assert wrong.faults == {
            "/name": "missing_field",
            "/mobile": "invalid_value",
            "/roles/0": "invalid_value",
            "/email": "invalid_value",
        }
