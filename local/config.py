"""How a local cloud is set up: from the environment, or by a test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
DEFAULT_API_PORT = 8080
DEFAULT_TOOLS_PORT = 8081
TWILIO_ACCOUNT = ("AC" + "0" * 31 + "1", "local-twilio-auth-token")
STRIPE_ACCOUNT = ("sk_test_local", "whsec_local")
"""The secret key, and the secret that events are signed with."""
PACKAGES = (
    '[{"id": "sms-100", "bucket": "sms", "amount": 100, "price": "7.50", "currency": "EUR", "name": "100 SMS"},'
    ' {"id": "sms-500", "bucket": "sms", "amount": 500, "price": "29.00", "currency": "EUR", "name": "500 SMS"},'
    ' {"id": "email-5000", "bucket": "email", "amount": 5000, "price": "5.00", "currency": "EUR"}]'
)
WHATSAPP_NUMBER = "+15005550006"
TWILIO_SUBACCOUNTS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    # For organizations' own WhatsApp numbers: credentials, the account's status, its numbers with theirs.
    (
        "AC" + "0" * 31 + "2",
        "local-subaccount-token-2",
        "active",
        {"+15005550012": "ONLINE", "+15005550022": "OFFLINE"},
    ),
    ("AC" + "0" * 31 + "3", "local-subaccount-token-3", "active", {"+15005550013": "ONLINE"}),
    ("AC" + "0" * 31 + "9", "local-subaccount-token-9", "suspended", {"+15005550019": "ONLINE"}),
)


@dataclass(frozen=True)
class CloudConfig:
    """Where the local cloud keeps its state, listens, and finds template and code.

    Port 0 is any free one; ports that are only defaults give way to what is there already.
    """

    state_dir: Path = REPOSITORY / ".local"
    template: Path = REPOSITORY / "template.yaml"
    code: tuple[Path, ...] = (REPOSITORY, REPOSITORY / "layers" / "shared")
    api_port: int = DEFAULT_API_PORT
    tools_port: int = DEFAULT_TOOLS_PORT
    ports_are_defaults: bool = False
    region: str = "eu-central-1"
    stack_name: str = "carillon"
    demo: bool = True
    fresh: bool = False
    sms_backend: str = "sns"
    concurrency: Mapping[str, int] = field(default_factory=dict)


def from_environment(environ: Mapping[str, str] = os.environ) -> CloudConfig:
    """Read API_PORT, TOOLS_PORT, DEMO, FRESH, SMS_BACKEND; for tests also LOCAL_DIR, LOCAL_TEMPLATE and LOCAL_CODE.

    Raises ValueError for a port that is no number.
    """
    code = environ.get("LOCAL_CODE")
    return CloudConfig(
        template=Path(environ.get("LOCAL_TEMPLATE") or REPOSITORY / "template.yaml"),
        code=tuple(map(Path, code.split(os.pathsep))) if code else (REPOSITORY, REPOSITORY / "layers" / "shared"),
        state_dir=Path(environ.get("LOCAL_DIR") or REPOSITORY / ".local"),
        api_port=int(environ.get("API_PORT") or DEFAULT_API_PORT),
        tools_port=int(environ.get("TOOLS_PORT") or DEFAULT_TOOLS_PORT),
        ports_are_defaults=not environ.get("API_PORT") and not environ.get("TOOLS_PORT"),
        sms_backend=environ.get("SMS_BACKEND") or "sns",
        demo=environ.get("DEMO", "1") not in ("0", ""),
        fresh=environ.get("FRESH", "0") not in ("0", ""),
    )
