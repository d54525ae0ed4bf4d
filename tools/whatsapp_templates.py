#!/usr/bin/env python3
"""Creates the WhatsApp templates of the built-in texts at Twilio, hands them in for approval and stores their ids.

Run it again whenever texts changed or approvals are awaited: it makes only what is missing or changed, and asks about
what waits. It needs AWS credentials that may write the table and read the deployment's secret.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "shared"))

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.providers.twilio_content import DEFAULT_URL, TwilioContent
from carillon.adapters.rendering.approved import BuiltInApproved
from carillon.adapters.secrets import DeploymentSecret
from carillon.adapters.system import SystemClock
from carillon.services.whatsapp_templates import WhatsAppTemplates


def main() -> int:
    """Bring Twilio and the table in step with the texts; the status is 1 when Twilio refused one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default=os.environ.get("TABLE_NAME"), help="the stack's output TableName")
    parser.add_argument(
        "--secret", default=os.environ.get("DEPLOYMENT_SECRET_ARN"), help="the stack's output DeploymentSecretArn"
    )
    parser.add_argument("--twilio-url", default=DEFAULT_URL, help="another address of Twilio's Content API")
    given = parser.parse_args()
    if not given.table or not given.secret:
        parser.error("--table and --secret are needed (or TABLE_NAME and DEPLOYMENT_SECRET_ARN)")
    clock = SystemClock()
    secret = DeploymentSecret(client("secretsmanager"), given.secret, clock).read()
    if not secret.twilio_account_sid:
        parser.error("the deployment's secret names no Twilio account")
    report = WhatsAppTemplates(
        texts=BuiltInApproved(),
        api=TwilioContent(secret.twilio_account_sid, secret.twilio_auth_token, base_url=given.twilio_url),
        store=ContentTemplates(Table(client("dynamodb"), given.table), clock),
    ).sync()
    sys.stdout.write(f"created {report.created}\n")
    for status, count in sorted(report.statuses.items()):
        sys.stdout.write(f"{status} {count}\n")
    for refusal in report.refused:
        sys.stderr.write(f"refused {refusal}\n")
    return 1 if report.refused else 0


if __name__ == "__main__":
    sys.exit(main())
