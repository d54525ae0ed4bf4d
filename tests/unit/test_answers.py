"""What confirms an opt-out or a return: short, in the person's language, naming the organization and the way back."""

from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.texts import answer
from carillon.domain.answers import DEADLINE, answer_to, recheck_answer
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.opt_words import opt_of
from carillon.domain.organizations import Organization
from carillon.domain.recheck import Recheck
from carillon.domain.recipients import client_recipient
from carillon.domain.replies import StoredReply
from carillon.domain.settings import Contact
from carillon.domain.sms import measure
from carillon.domain.templates import BUILT_IN_LOCALES, OwnText
from tests.builders import NOW, ORG, client, organization, settings

CHATS: tuple[Channel, ...] = ("sms", "whatsapp", "telegram", "viber")
REPLY = StoredReply("01J", "k", "whatsapp", "+31612345678", "STOP", NOW, opt="out", confirm=True, settled=False)
MESSAGE = answer_to(ORG, REPLY, client_recipient(client(), settings()), NOW, "01K")

CLOSED = organization(active=False)


def written(key: str, channel: Channel, locale: str, phone: str | None = "+31 20 123 45 67") -> str:
    about = settings(contact=Contact(phone=phone))
    values = build_values(Facts(settings=about, locale=locale, now=NOW))
    own = OwnText(body=answer(key, channel, locale))
    return (
        TemplateRenderer()
        .render(key=key, audience="client", channel=channel, locale=locale, values=values, own=own)
        .text
    )


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
@pytest.mark.parametrize("channel", CHATS)
def test_an_opt_out_is_confirmed_with_the_organizations_name_and_the_way_back(locale: str, channel: Channel) -> None:
    text = written("answer.opt_out", channel, locale)
    assert "Salon Aurora" in text
    assert "+31 20 123 45 67" in text
    assert "START" in text
    assert {"sms": "SMS", "whatsapp": "WhatsApp", "telegram": "Telegram", "viber": "Viber"}[channel] in text
    assert len(text) <= CHANNELS[channel].max_length


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
@pytest.mark.parametrize("key", ["answer.opt_out", "answer.opt_back"])
def test_as_an_sms_it_is_one_part(locale: str, key: str) -> None:
    assert measure(written(key, "sms", locale)).parts == 1


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
def test_without_a_phone_nobody_is_sent_to_none(locale: str) -> None:
    assert "None" not in written("answer.opt_out", "whatsapp", locale, phone=None)
    assert "+" not in written("answer.opt_out", "whatsapp", locale, phone=None)


@pytest.mark.parametrize("locale", BUILT_IN_LOCALES)
def test_a_return_is_confirmed_with_the_way_out(locale: str) -> None:
    assert "STOP" in written("answer.opt_back", "whatsapp", locale)


def test_a_language_without_texts_is_answered_in_english() -> None:
    assert written("answer.opt_out", "whatsapp", "de") == written("answer.opt_out", "whatsapp", "en")


def test_the_words_that_we_name_are_words_that_we_know() -> None:
    assert (opt_of("START"), opt_of("STOP")) == ("back", "out")


def test_made_twice_it_is_the_same_message() -> None:
    again = answer_to(ORG, REPLY, client_recipient(client(), settings()), NOW + timedelta(minutes=1), "01L")
    assert again.key == MESSAGE.key
    assert again.deadline == MESSAGE.deadline == NOW + DEADLINE


@pytest.mark.parametrize(
    ("of", "connected", "after", "expected"),
    [
        (organization(), {"whatsapp"}, timedelta(0), Recheck("+31612345678")),
        (organization(), {"whatsapp"}, DEADLINE, Recheck(status="expired", reason="too_late")),
        (organization(), {"sms"}, timedelta(0), Recheck(status="suppressed", reason="channel_not_connected")),
        (CLOSED, {"whatsapp"}, timedelta(0), Recheck(status="suppressed", reason="notifications_inactive")),
        (organization(deleted=True), {"whatsapp"}, timedelta(0), Recheck(status="suppressed", reason="superseded")),
        (None, {"whatsapp"}, timedelta(0), Recheck(status="suppressed", reason="superseded")),
    ],
)
def test_it_is_checked_again_but_for_the_opt_out(
    of: Organization | None, connected: set[Any], after: timedelta, expected: Recheck
) -> None:
    assert recheck_answer(MESSAGE, of, frozenset(connected), NOW + after) == expected
