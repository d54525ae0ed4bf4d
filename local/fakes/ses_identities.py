"""SES v2's identities: domains and addresses that mail may be sent from, and the DNS records that verify domains.

DNS is a list of records that whoever plays sets (`POST /dns` of the tools). SES looks there whenever it is asked about
an identity, so a record that was set counts at the next look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from local.template import Template

NOTE = "ses-identities"
DNS_NOTE = "dns"
PATH = "/v2/email/identities"
_ZONE = "dkim.amazonses.com"
_TOKENS = 3
Document = dict[str, Any]


class Notes:
    """Small named values: the store's, or in memory."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get_note(self, name: str) -> Any:
        """Read a value, or None."""
        return self._values.get(name)

    def put_note(self, name: str, value: Any) -> None:
        """Write a value."""
        self._values[name] = value


class IdentityError(Exception):
    """What SES answers instead: a code and a status."""

    def __init__(self, code: str, status: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class Identities:
    """The account's identities. `verified`: those that the deployment's operator has set up beforehand."""

    def __init__(self, notes: Any, region: str, verified: Iterable[str]) -> None:
        self._notes = notes
        self._region = region
        self._verified = frozenset(name.casefold() for name in verified)

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> Document:
        """Answer a call below `/v2/email/identities`; raises IdentityError."""
        name, _, part = (unquote(piece) for piece in path.removeprefix(PATH).removeprefix("/").partition("/"))
        match method, name, part:
            case "POST", "", "":
                return self.create(body)
            case "GET", _, "" if name:
                return self.get(name)
            case "DELETE", _, "" if name:
                return self.delete(name)
            case "PUT", _, "mail-from" if name:
                return self.put_mail_from(name, body)
        raise IdentityError("NotFoundException", 404, f"{method} {path} is not part of the local cloud")

    def create(self, body: Mapping[str, Any]) -> Document:
        """Make an identity; a domain's records are told with it."""
        name = str(body.get("EmailIdentity", "")).casefold()
        if not name or any(char.isspace() for char in name) or name.count("@") > 1 or "." not in name:
            raise IdentityError("BadRequestException", 400, f"Invalid identity {name!r}")
        if name in self._all() or name in self._verified:
            raise IdentityError("AlreadyExistsException", 400, f"Email identity {name} already exist.")
        self._put(name, {"Tags": body.get("Tags", []), "MailFromDomain": None})
        shown = self.get(name)
        return {part: shown[part] for part in ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")}

    def get(self, name: str) -> Document:
        """Tell all about an identity, after a look at DNS."""
        name = name.casefold()
        if name in self._verified:
            return {"IdentityType": _type(name), "VerifiedForSendingStatus": True, "Tags": [], "DkimAttributes": {}}
        known = self._known(name)
        tokens = [] if "@" in name else _tokens(name, self._region)
        records = self._records()
        found = bool(tokens) and all(
            (f"{token}._domainkey.{name}", "CNAME", f"{token}.{_ZONE}") in records for token in tokens
        )
        status = "SUCCESS" if found else "PENDING"
        mail_from = known["MailFromDomain"]
        mx = (mail_from, "MX", f"10 feedback-smtp.{self._region}.amazonses.com") in records
        return {
            "IdentityType": _type(name),
            "FeedbackForwardingStatus": True,
            "VerifiedForSendingStatus": found,
            "VerificationStatus": status,
            "DkimAttributes": {
                "SigningEnabled": bool(tokens),
                "Status": status if tokens else "NOT_STARTED",
                "Tokens": tokens,
                "SigningHostedZone": _ZONE,
                "SigningAttributesOrigin": "AWS_SES",
            },
            "MailFromAttributes": {
                "MailFromDomain": mail_from,
                "MailFromDomainStatus": "SUCCESS" if mx else "PENDING",
                "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
            }
            if mail_from
            else {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
            "Tags": known["Tags"],
        }

    def delete(self, name: str) -> Document:
        """Forget an identity."""
        self._known(name.casefold())
        others = {key: value for key, value in self._all().items() if key != name.casefold()}
        self._notes.put_note(NOTE, others)
        return {}

    def put_mail_from(self, name: str, body: Mapping[str, Any]) -> Document:
        """Set an identity's domain for returned mail, which lies below its own."""
        name, mail_from = name.casefold(), body.get("MailFromDomain")
        known = self._known(name)
        domain = name.rpartition("@")[2]
        if mail_from is not None and (not mail_from.endswith(f".{domain}") or len(mail_from) > 253):  # noqa: PLR2004
            raise IdentityError("BadRequestException", 400, f"Provided MAIL-FROM domain <{mail_from}> is not valid.")
        self._put(name, known | {"MailFromDomain": mail_from})
        return {}

    def may_send(self, address: str) -> bool:
        """Whether mail may be sent from an address: it, its domain, or a domain above is verified."""
        address = address.casefold()
        labels = address.rpartition("@")[2].split(".")
        names = [address, *(".".join(labels[n:]) for n in range(len(labels) - 1))]
        return any(name in self._verified or self._is_found(name) for name in names)

    def set_records(self, records: Iterable[Mapping[str, str]]) -> int:
        """Set DNS records; answers how many there are."""
        known = self._records() | {(each["name"].casefold(), each["type"], each["value"]) for each in records}
        self._notes.put_note(DNS_NOTE, sorted(known))
        return len(known)

    def clear_records(self) -> None:
        """Take all records out of DNS."""
        self._notes.put_note(DNS_NOTE, [])

    def _is_found(self, name: str) -> bool:
        return name in self._all() and bool(self.get(name)["VerifiedForSendingStatus"])

    def _records(self) -> set[tuple[str, str, str]]:
        return {(name, kind, value) for name, kind, value in self._notes.get_note(DNS_NOTE) or []}

    def _all(self) -> dict[str, Document]:
        known: dict[str, Document] = self._notes.get_note(NOTE) or {}
        return known

    def _known(self, name: str) -> Document:
        known = self._all().get(name)
        if known is None:
            raise IdentityError("NotFoundException", 404, f"Email identity {name} does not exist.")
        return known

    def _put(self, name: str, document: Document) -> None:
        self._notes.put_note(NOTE, self._all() | {name: document})


def of_template(template: Template) -> set[str]:
    """Name the identities that the deployment's own address needs: it and its domain."""
    addresses = {
        str(resource.properties.get("Environment", {}).get("Variables", {}).get("EMAIL_FROM", ""))
        for resource in template.resources("AWS::Lambda::Function")
    }
    return {name for address in addresses if address for name in (address, address.rpartition("@")[2])}


def _type(name: str) -> str:
    return "EMAIL_ADDRESS" if "@" in name else "DOMAIN"


def _tokens(domain: str, region: str) -> list[str]:
    return [hashlib.sha256(f"{region}/{domain}/{number}".encode()).hexdigest()[:32] for number in range(_TOKENS)]
