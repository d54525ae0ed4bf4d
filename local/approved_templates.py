"""Has the local Twilio approve the built-in WhatsApp texts, through the very code that does it at the real one.

Run in a worker's environment as
`python -m local.approved_templates <table> <Twilio URL> <account> <token> <clock file>`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_content import TwilioContent
from carillon.adapters.rendering.approved import BuiltInApproved
from carillon.services.whatsapp_templates import WhatsAppTemplates
from local.clock import SimulatedClock


def main() -> int:
    """Bring templates and table in step; answers the exit status."""
    table, url, account, token, clock = sys.argv[1:]
    templates = WhatsAppTemplates(
        texts=BuiltInApproved(),
        api=TwilioContent(account, token, base_url=url),
        store=ContentTemplates(Table(client("dynamodb"), table), SimulatedClock(Path(clock))),
    )
    report = templates.sync()
    print(f"created {report.created}, {report.statuses}")
    for refusal in report.refused:
        print(f"refused {refusal}", file=sys.stderr)
    return 1 if report.refused else 0


if __name__ == "__main__":
    sys.exit(main())
