"""Which sender a channel has for an organization, and how its credentials are opened, once, by revision."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from moto import mock_aws

from carillon.adapters.dynamodb.channels import DynamoChannels
from carillon.adapters.dynamodb.keys import organization as organization_key
from carillon.adapters.dynamodb.keys import settings as settings_key
from carillon.adapters.dynamodb.organizations import organization_item
from carillon.adapters.dynamodb.table import Write
from carillon.adapters.own_senders import StoredOwnSenders
from carillon.adapters.providers.sns_sms import SnsSms
from carillon.adapters.vault import KmsVault
from carillon.domain import codec
from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import Channel
from carillon.domain.connections import connected, own_sender, templates_owner
from carillon.domain.errors import InvalidValue
from carillon.domain.organizations import Organization
from carillon.domain.own_channels import SECRETS, OwnSender, StoredChannel, split
from carillon.domain.settings import EmailSender, MessageMode
from carillon.ports.channels import ChannelChange
from carillon.ports.delivery import Outgoing, Rendered
from carillon.services.channel_documents import shown
from tests.builders import NOW, ORG, organization, settings
from tests.doubles import SetClock
from tests.rig import Rig
from tests.tables import CountingTable, table_on_moto

SHARED: frozenset[Channel] = frozenset({"email", "sms", "whatsapp"})
OWN = MessageMode(mode="own", business_name="Aurora")
TOKEN = "4d1c8f0a2b6e4c7d"


def state(status: str = "active", revision: int = 2) -> ChannelState:
    return ChannelState(status=status, sender="Aurora", revision=revision)  # type: ignore[arg-type]


def having(**channels: ChannelState) -> Organization:
    return replace(organization(), channels=cast("dict[Channel, ChannelState]", channels))


@pytest.mark.parametrize(
    ("channels", "mode", "expected"),
    [
        ({}, "shared", SHARED),
        ({"telegram": state(), "push": state()}, "shared", SHARED | {"telegram", "push"}),
        ({"telegram": state("pending")}, "shared", SHARED),
        ({"viber": state("paused")}, "shared", SHARED | {"viber"}),
        ({"whatsapp": state()}, "own", SHARED),
        ({"whatsapp": state("pending")}, "own", SHARED - {"whatsapp"}),
        ({}, "own", SHARED - {"whatsapp"}),
        ({"whatsapp": state("pending")}, "shared", SHARED),
        ({"email": state("pending")}, "shared", SHARED),
    ],
)
def test_a_channel_is_connected_by_the_shared_sender_or_an_own_one_in_use(
    channels: dict[str, ChannelState], mode: str, expected: frozenset[Channel]
) -> None:
    chosen = settings(message_mode=OWN if mode == "own" else MessageMode())
    assert connected(SHARED, having(**channels), chosen) == expected


def test_without_a_shared_number_the_own_one_connects_whatsapp_in_own_mode_only() -> None:
    only: frozenset[Channel] = frozenset({"sms"})
    own = having(whatsapp=state())
    assert connected(only, own, settings()) == {"sms"}
    assert connected(only, own, settings(message_mode=OWN)) == {"sms", "whatsapp"}


def test_a_pending_sender_and_a_number_that_was_not_chosen_are_not_in_use() -> None:
    own = having(sms=state(), email=state(), whatsapp=state(), viber=state("paused"), telegram=state("pending"))
    used = {name for name in own.channels if own_sender(name, own, settings())}
    assert used == {"sms", "viber"}
    assert own_sender("whatsapp", own, settings(message_mode=OWN)) == state()


def test_templates_are_the_own_accounts_in_own_mode_but_not_for_test_data() -> None:
    own = having(whatsapp=state())
    assert templates_owner(own, settings()) == "@"
    assert templates_owner(own, settings(message_mode=OWN)) == ORG
    assert templates_owner(replace(own, id=f"{ORG}~test"), settings(message_mode=OWN)) == "@"


@pytest.mark.parametrize("channel", SECRETS)
def test_what_is_secret_is_parted_from_what_may_be_shown(channel: Channel) -> None:
    secrets = {name: {"nested": TOKEN} for name in SECRETS[channel]}
    stated: Mapping[str, Any] = {"plain": "p", "flag": True, "nothing": None, **secrets}
    plain, secret = split(channel, stated)
    assert plain == {"plain": "p", "flag": "true"}
    assert secret == dict.fromkeys(SECRETS[channel], f'{{"nested": "{TOKEN}"}}')


def test_nothing_that_holds_a_secret_shows_it() -> None:
    own = OwnSender("Aurora", {"account_sid": "AC1"}, {"auth_token": TOKEN})
    stored = StoredChannel("01C", "whatsapp", sealed="c2VhbGVk-" + TOKEN, trying="c2VhbGVk-" + TOKEN)
    outgoing = Outgoing(ORG, "01M", "+31612345678", Rendered("x"), "tok", 60, "Aurora", own=own)
    view = shown("whatsapp", replace(stored, phase="connected"), state(), shared=True)
    assert TOKEN not in f"{own!r}{stored!r}{outgoing!r}{view!r}"


# --- Opening ---------------------------------------------------------------------------------------------------------


class CountingVault:
    """Opens what it sealed, and counts."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str]] = []

    def seal(self, org_id: str, secrets: Mapping[str, str]) -> str:
        return f"{org_id}:{secrets['auth_token']}"

    def open(self, org_id: str, sealed: str) -> dict[str, str]:
        self.opened.append((org_id, sealed))
        owner, _, token = sealed.partition(":")
        assert owner == org_id
        return {"auth_token": token}


@pytest.fixture
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        made.write(Write(organization_key(ORG), item=organization_item(organization(), 1)))
        made.write(Write(settings_key(ORG), item={"ty": "settings", "doc": codec.dumps(settings()), "v": 1}))
        yield made


def keep(table: CountingTable, sealed: str | None, *, revision: int = 2, phase: Any = "connected") -> None:
    store = DynamoChannels(table)
    view = store.read(ORG)
    known = view.channels.get("whatsapp") or StoredChannel("01C", "whatsapp")
    after = replace(
        known, phase=phase, sender="+31", stated={"sender": "+31"}, kept={}, sealed=sealed, revision=revision
    )
    assert store.save(ORG, ChannelChange(view, after, view.organization.document))


def test_a_sender_is_opened_once_for_five_minutes_and_anew_for_new_credentials(table: CountingTable) -> None:
    keep(table, f"{ORG}:one")
    vault, clock = CountingVault(), SetClock(NOW)
    senders = StoredOwnSenders(table, vault, clock)
    first = senders.of(ORG, "whatsapp", state())
    assert first == OwnSender("+31", {"sender": "+31"}, {"auth_token": "one"})
    table.calls.clear()
    clock.advance(minutes=4)
    assert senders.of(ORG, "whatsapp", state()) is first
    assert (len(vault.opened), table.calls) == (1, [])
    keep(table, f"{ORG}:two", revision=3)
    renewed = senders.of(ORG, "whatsapp", state(revision=3))
    assert renewed is not None
    assert renewed.secrets == {"auth_token": "two"}
    clock.advance(minutes=5)
    senders.of(ORG, "whatsapp", state(revision=3))
    assert len(vault.opened) == 3


def test_without_a_state_nothing_is_read(table: CountingTable) -> None:
    table.calls.clear()
    assert StoredOwnSenders(table, CountingVault(), SetClock(NOW)).of(ORG, "whatsapp", None) is None
    assert table.calls == []


@pytest.mark.parametrize("phase", ["leaving", "reserved"])
def test_a_sender_that_is_given_up_meanwhile_is_gone(table: CountingTable, phase: str) -> None:
    senders = StoredOwnSenders(table, CountingVault(), SetClock(NOW))
    with pytest.raises(LookupError):
        senders.of(ORG, "whatsapp", state())
    keep(table, f"{ORG}:one", phase=phase)
    with pytest.raises(LookupError):
        senders.of(ORG, "whatsapp", state())


def test_a_sender_without_secrets_needs_no_vault_and_one_with_secrets_does(table: CountingTable) -> None:
    keep(table, None)
    senders = StoredOwnSenders(table, None, SetClock(NOW))
    assert senders.of(ORG, "whatsapp", state()) == OwnSender("+31", {"sender": "+31"}, {})
    keep(table, f"{ORG}:one", revision=3)
    with pytest.raises(LookupError, match="whatsapp"):
        senders.of(ORG, "whatsapp", state(revision=3))


# --- The vault -------------------------------------------------------------------------------------------------------


def test_what_is_sealed_opens_for_its_own_organization_only() -> None:
    with mock_aws():
        kms = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        vault = KmsVault(lambda: kms, kms.create_key()["KeyMetadata"]["Arn"])
        sealed = vault.seal(ORG, {"auth_token": TOKEN, "name": "Zoë"})
        assert TOKEN not in sealed
        assert vault.open(ORG, sealed) == {"auth_token": TOKEN, "name": "Zoë"}
        assert KmsVault(lambda: kms).open(ORG, sealed) == {"auth_token": TOKEN, "name": "Zoë"}
        with pytest.raises(ClientError):
            vault.open("borealis", sealed)


def test_the_organization_is_all_there_is_in_the_context() -> None:
    kms = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    context = {"organization": ORG}
    with Stubber(kms) as stub:
        stub.add_response(
            "encrypt", {"CiphertextBlob": b"sealed"}, {"KeyId": "arn", "Plaintext": ANY, "EncryptionContext": context}
        )
        assert KmsVault(lambda: kms, "arn").seal(ORG, {"a": "b"}) == "c2VhbGVk"


def test_keys_of_apps_fit_when_packed_and_what_does_not_is_refused_before_it_is_sent() -> None:
    def no_client() -> Any:
        raise AssertionError("KMS is not asked")

    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(200))
    with pytest.raises(InvalidValue) as refused:
        KmsVault(no_client, "arn").seal(ORG, {"fcm": noise})
    assert noise[:20] not in str(refused.value)


# --- Sending ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def rig() -> Rig:
    made = Rig(email_sender=EmailSender(from_="organization"))
    made.put()
    made.follow("anna")
    return made


def test_a_message_carries_the_own_sender_in_use(rig: Rig) -> None:
    rig.account.organizations[ORG] = replace(rig.account.organizations[ORG], channels={"email": state()})
    rig.own.kept[ORG, "email"] = own = OwnSender("post@aurora.example", {"from_address": "post@aurora.example"})
    rig.deliver()
    assert [outgoing.own for outgoing in rig.provider.sent] == [own]
    assert rig.own.asked == [(ORG, "email", state())]


def test_a_sender_that_cannot_be_opened_leaves_the_message_queued_and_unclaimed(rig: Rig) -> None:
    rig.account.organizations[ORG] = replace(rig.account.organizations[ORG], channels={"email": state()})
    (done,) = rig.deliver()
    message = rig.only()
    assert (done.result, message.status, message.attempt) == ("busy", "queued", 0)
    assert rig.provider.sent == []
    assert [type(error) for error in rig.errors] == [LookupError]
    rig.own.kept[ORG, "email"] = OwnSender("post@aurora.example")
    rig.deliver()
    assert (rig.only().status, rig.only().attempt) == ("sent", 1)


def test_an_own_sender_name_goes_along_with_an_sms() -> None:
    sns = boto3.client("sns", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    own = OwnSender("Borealis", {"sender_id": "Borealis"})
    outgoing = Outgoing(ORG, "01M", "+31612345678", Rendered("x"), "", 60, "Borealis", own=own)
    attributes = {
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Borealis"},
    }
    request = {"PhoneNumber": "+31612345678", "Message": "x", "MessageAttributes": attributes}
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m-1"}, request)
        assert SnsSms(sns, sender_id="Carillon").send(outgoing).kind == "accepted"
