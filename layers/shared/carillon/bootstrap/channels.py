"""Own senders: the use cases, and who connects which channel.

A channel's admin stands in `ADMINS`, made by a function that imports it only when it is needed.
"""

from collections.abc import Callable
from functools import cache

from carillon import bootstrap
from carillon.adapters.aws import client
from carillon.adapters.dynamodb.channels import DynamoChannels
from carillon.adapters.system import RandomIds
from carillon.adapters.vault import KmsVault
from carillon.domain.channels import Channel
from carillon.domain.errors import Conflict
from carillon.ports.channels import ChannelAdmin
from carillon.runtime.config import SettingsApiConfig
from carillon.services.channel_parting import ChannelParting
from carillon.services.own_channels import OwnChannels


@cache
def services() -> OwnChannels:
    """Give the use cases on own senders."""
    told = bootstrap.config(SettingsApiConfig)
    # SMS needs no sender name: SNS sends from a number of its own where there is none.
    senders: dict[Channel, str] = {"email": told.email_from, "sms": "any", "whatsapp": told.whatsapp_from}
    return OwnChannels(
        store=DynamoChannels(bootstrap.table(told.table_name)),
        vault=KmsVault(lambda: client("kms"), told.kms_key_arn),
        admins=admin,
        shared=frozenset(channel for channel, sender in senders.items() if sender),
        clock=bootstrap.current_clock,
        ids=RandomIds(),
    )


@cache
def parting() -> ChannelParting:
    """Give what undoes the own senders of an organization that is removed."""
    told = bootstrap.config(SettingsApiConfig)
    vault = KmsVault(lambda: client("kms"), told.kms_key_arn)
    return ChannelParting(DynamoChannels(bootstrap.table(told.table_name)), vault, admin)


def public_url(domain: str) -> str:
    """Give the address under which the outside world reaches the API; `domain` is API Gateway's own."""
    return bootstrap.config(SettingsApiConfig).public_base_url.rstrip("/") or f"https://{domain}"


def admin(channel: Channel, url: str) -> ChannelAdmin:
    """Make what connects a channel; `url` is where the outside world reaches the API."""
    make = ADMINS.get(channel)
    if make is None:
        raise Conflict("channel_not_connected", f"this deployment connects no own senders of {channel}")
    return make(bootstrap.config(SettingsApiConfig), url)


def _sms(_told: SettingsApiConfig, _url: str) -> ChannelAdmin:
    from carillon.adapters.providers.admin.sms import SmsAdmin  # noqa: PLC0415 - each call loads its own channel

    return SmsAdmin()


def _whatsapp(told: SettingsApiConfig, url: str) -> ChannelAdmin:
    from carillon.adapters.providers.admin.whatsapp import WhatsappAdmin  # noqa: PLC0415

    return WhatsappAdmin(api_url=told.twilio_api_url, public_url=url)


def _email(told: SettingsApiConfig, _url: str) -> ChannelAdmin:
    from carillon.adapters.dynamodb.identity_claims import DynamoIdentityClaims  # noqa: PLC0415
    from carillon.adapters.providers.admin.email import EmailAdmin  # noqa: PLC0415

    ses = client("sesv2")
    claims = DynamoIdentityClaims(bootstrap.table(told.table_name), bootstrap.current_clock)
    return EmailAdmin(ses, claims, stack=told.stack_name, deployment=told.email_from, region=ses.meta.region_name)


def _push(told: SettingsApiConfig, _url: str) -> ChannelAdmin:
    from carillon.adapters.providers.admin.push import PushAdmin  # noqa: PLC0415

    return PushAdmin(client("sns"), applications=told.push_applications)


def _telegram(told: SettingsApiConfig, url: str) -> ChannelAdmin:
    from carillon.adapters.providers.admin.telegram import TelegramAdmin  # noqa: PLC0415

    return TelegramAdmin(told.telegram_api_url, url)


def _viber(told: SettingsApiConfig, url: str) -> ChannelAdmin:
    from carillon.adapters.providers.admin.viber import ViberAdmin  # noqa: PLC0415

    return ViberAdmin(told.viber_api_url, url)


ADMINS: dict[Channel, Callable[[SettingsApiConfig, str], ChannelAdmin]] = {
    "email": _email,
    "push": _push,
    "sms": _sms,
    "telegram": _telegram,
    "viber": _viber,
    "whatsapp": _whatsapp,
}
