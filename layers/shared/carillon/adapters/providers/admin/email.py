"""An organization's own address for e-mail: its domain as an identity of SES, proven to be this organization's.

SES's account belongs to the deployment, and a verified domain there to the account: SES can't tell which organization
proved it. So each organization gets a subdomain of its own for returned mail (SES's custom MAIL FROM), whose name
follows from its id. Only who holds the domain can give that name its MX record, and SES looks for it. A domain is an
organization's when SES has found both its DKIM records and the MX record of that organization's name.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carillon.domain.ids import digest
from carillon.domain.mail_from import domain_of
from carillon.domain.own_channels import DnsRecord, OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected
from carillon.ports.identities import IdentityClaims

if TYPE_CHECKING:
    from mypy_boto3_sesv2.client import SESV2Client

TAG = "carillon"
"""Marks the identities that were made here; the deployment touches no other."""
_DKIM_ZONE = "dkim.amazonses.com"
_REFUSED = frozenset({"BadRequestException", "ValidationException", "InvalidParameterValue"})
_FULL = "LimitExceededException"
_POINTER = "/from_address"
Json = Mapping[str, Any]


class EmailAdmin:
    """See the port `ChannelAdmin`. `stack` names the deployment; `deployment` is the address it sends from itself."""

    def __init__(
        self, client: "SESV2Client", claims: IdentityClaims, *, stack: str, deployment: str, region: str
    ) -> None:
        self._client = client
        self._claims = claims
        self._stack = stack
        self._deployment = domain_of(deployment)
        self._region = region

    def connect(self, org_id: str, _channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Claim the domain of the address, and have SES look for its records.

        The domain that was used before stays until this one is stored, and goes with the next check.
        """
        address = str(stated["from_address"])
        former = _former(before, address)
        return self._look(org_id, address, former)

    def check(self, org_id: str, _channel_id: str, own: OwnSender) -> Connected:
        """Look again, and set up anew what is missing; what was used formerly is given up."""
        for domain in _list(own.settings.get("former")):
            self._give_up(org_id, domain)
        return self._look(org_id, own.sender, [])

    def disconnect(self, org_id: str, _channel_id: str, own: OwnSender) -> None:
        """Take the domain off SES, and let others claim it."""
        for domain in {domain_of(own.sender), *_list(own.settings.get("former"))}:
            self._give_up(org_id, domain)

    def _look(self, org_id: str, address: str, former: list[str]) -> Connected:
        domain = domain_of(address)
        self._fit(domain)
        if not self._claims.take(domain, org_id):
            raise ChannelRefused(f"{domain} is used, or being tried, by another organization", _POINTER)
        identity = self._identity(domain)
        returns = _returns_of(org_id, domain)
        if identity.get("MailFromAttributes", {}).get("MailFromDomain") != returns:
            self._asked(
                lambda: self._client.put_email_identity_mail_from_attributes(
                    EmailIdentity=domain, MailFromDomain=returns, BehaviorOnMxFailure="USE_DEFAULT_VALUE"
                )
            )
            identity = self._asked(lambda: self._client.get_email_identity(EmailIdentity=domain))
        waiting = _waiting(identity, returns)
        proven = self._claims.standing(domain, org_id) == "proven"
        if not proven and not waiting:
            proven = self._claims.confirm(domain, org_id)
        # Once proven, a record for returned mail that is missing costs nothing but where returned mail goes.
        active = proven and bool(identity.get("VerifiedForSendingStatus"))
        return Connected(
            active=active,
            sender=address,
            kept={"former": json.dumps(former)},
            dns_records=tuple(self._records(domain, returns, identity)),
            problem=None if active else _problem(waiting),
        )

    def _fit(self, domain: str) -> None:
        if not domain.isascii() or "." not in domain:
            raise ChannelRefused("must be an address at a domain of your own, written in ASCII", _POINTER)
        own = f".{self._deployment}"
        if f".{domain}".endswith(own) or own.endswith(f".{domain}"):
            raise ChannelRefused(f"{domain} is this deployment's own", _POINTER)

    def _identity(self, domain: str) -> Json:
        """Read the domain's identity, making it if there is none."""
        found: Json
        try:
            found = self._asked(lambda: self._client.get_email_identity(EmailIdentity=domain))
        except _GoneError:
            tags: Any = [{"Key": TAG, "Value": self._stack}]
            with suppress(_ThereError):  # by the same call, repeated at the same time
                self._asked(lambda: self._client.create_email_identity(EmailIdentity=domain, Tags=tags))
            found = self._asked(lambda: self._client.get_email_identity(EmailIdentity=domain))
        if not self._is_ours(found):
            # Whoever runs the deployment uses it for something else.
            raise ChannelRefused(f"{domain} is reserved in this deployment", _POINTER)
        return found

    def _give_up(self, org_id: str, domain: str) -> None:
        """Take an identity off SES if it is proven to be this organization's, and only then its claim.

        One that was never proven stays for whoever tries next: its records may be set by now.
        """
        if self._claims.standing(domain, org_id) == "proven":
            with suppress(_GoneError):
                found = self._asked(lambda: self._client.get_email_identity(EmailIdentity=domain))
                if self._is_ours(found):
                    self._asked(lambda: self._client.delete_email_identity(EmailIdentity=domain))
        self._claims.release(domain, org_id)

    def _is_ours(self, identity: Json) -> bool:
        return {"Key": TAG, "Value": self._stack} in identity.get("Tags", [])

    def _records(self, domain: str, returns: str, identity: Json) -> list[DnsRecord]:
        dkim = identity.get("DkimAttributes", {})
        zone = dkim.get("SigningHostedZone") or _DKIM_ZONE
        return [
            *(
                DnsRecord(type="CNAME", name=f"{token}._domainkey.{domain}", value=f"{token}.{zone}")
                for token in dkim.get("Tokens", [])
            ),
            DnsRecord(type="MX", name=returns, value=f"10 feedback-smtp.{self._region}.amazonses.com"),
            DnsRecord(type="TXT", name=returns, value="v=spf1 include:amazonses.com ~all"),
        ]

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask SES, in our errors."""
        try:
            return ask()
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            match code:
                case "NotFoundException":
                    raise _GoneError from None
                case "AlreadyExistsException":
                    raise _ThereError from None
                case _ if code == _FULL:
                    raise ChannelRefused("this deployment can take no more domains; ask who runs it") from None
                case _ if code in _REFUSED:
                    raise ChannelRefused("SES takes no mail from this domain", _POINTER) from None
            raise ChannelUnreachable(f"SES answered {code}") from None
        except BotoCoreError as error:
            raise ChannelUnreachable(f"SES could not be asked: {type(error).__name__}") from None


class _GoneError(Exception):
    """There is no such identity."""


class _ThereError(Exception):
    """There is one already."""


def _returns_of(org_id: str, domain: str) -> str:
    """Name the subdomain for returned mail, which proves a domain for one organization and no other."""
    return f"mail-{digest('mail-from', org_id, domain)[:16]}.{domain}"


def _waiting(identity: Json, returns: str) -> list[str]:
    """Name the kinds of records that SES has not found yet."""
    dkim, returned = identity.get("DkimAttributes", {}), identity.get("MailFromAttributes", {})
    waiting = []
    if not identity.get("VerifiedForSendingStatus") or dkim.get("Status") != "SUCCESS":
        waiting.append("CNAME")
    if returned.get("MailFromDomain") != returns or returned.get("MailFromDomainStatus") != "SUCCESS":
        waiting.append("MX")
    return waiting


def _problem(waiting: list[str]) -> str:
    if not waiting:
        return "another organization has proven this domain meanwhile"
    kinds = " and ".join(waiting)
    return f"SES has not found the {kinds} records yet; set the dns_records, and check again: it may take hours"


def _former(before: OwnSender | None, address: str) -> list[str]:
    """Name the domains that were used before this one."""
    if before is None:
        return []
    known = [domain_of(before.sender), *_list(before.settings.get("former"))]
    return [domain for domain in dict.fromkeys(known) if domain != domain_of(address)]


def _list(text: str | None) -> list[str]:
    return [str(domain) for domain in json.loads(text)] if text else []
