"""Whose a mail domain is, among all organizations of the deployment."""

from typing import Literal, Protocol

Standing = Literal["none", "trying", "proven"]


class IdentityClaims(Protocol):
    """Claims to domains. A domain is one organization's once it has proven it; before, it may be tried in turns."""

    def take(self, domain: str, org_id: str) -> bool:
        """Claim a domain to prove it; False while it is another's, or another tries for this hour. May be repeated."""

    def confirm(self, domain: str, org_id: str) -> bool:
        """Note that the claim is proven; False when it was lost meanwhile. May be repeated."""

    def standing(self, domain: str, org_id: str) -> Standing:
        """Tell how far an organization's claim to a domain has come."""

    def release(self, domain: str, org_id: str) -> None:
        """Give a claim up; another's stays."""
