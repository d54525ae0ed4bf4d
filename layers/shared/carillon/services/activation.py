"""What is hidden until the notifications integration is active."""

from carillon.domain.errors import Forbidden
from carillon.ports.reading import Snapshot


def require_active(snapshot: Snapshot) -> None:
    """Refuse while the notifications integration is inactive."""
    if snapshot.organization is None or not snapshot.organization.active:
        raise Forbidden("notifications_inactive", "activate the notifications integration first")
