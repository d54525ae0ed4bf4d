#!/usr/bin/env python3
"""Creates the WhatsApp templates of the built-in texts at Twilio, hands them in for approval and stores their ids.

Run it again whenever texts changed or approvals are awaited: it makes only what is missing or changed, and asks about
what waits. It needs AWS credentials that may write the table and read the deployment's secret; for an organization's
own number (`--org`), that may use the key of own senders instead.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "shared"))

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.channels import DynamoChannels
from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.own_senders import open_channel
from carillon.adapters.providers.twilio_content import DEFAULT_URL, TwilioContent
from carillon.adapters.rendering.approved import BuiltInApproved
from carillon.adapters.secrets import DeploymentSecret
from carillon.adapters.system import SystemClock
from carillon.adapters.vault import KmsVault
from carillon.domain.organizations import OPERATOR_ORG
from carillon.services.whatsapp_templates import Report, WhatsAppTemplates


def main() -> int:
    """Bring Twilio and the table in step with the texts; the status is 1 when Twilio refused one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default=os.environ.get("TABLE_NAME"), help="the stack's output TableName")
    parser.add_argument(
        "--secret", default=os.environ.get("DEPLOYMENT_SECRET_ARN"), help="the stack's output DeploymentSecretArn"
    )
    parser.add_argument("--org", default="", help="the organization whose own number the templates are for")
    parser.add_argument("--twilio-url", default=DEFAULT_URL, help="another address of Twilio's Content API")
    given = parser.parse_args()
    if not given.table or not (given.secret or given.org):
        parser.error("--table and one of --secret and --org are needed (or TABLE_NAME and DEPLOYMENT_SECRET_ARN)")
    table = Table(client("dynamodb"), given.table)
    try:
        account = _own(table, given.org) if given.org else _shared(given.secret)
    except LookupError as error:
        parser.error(str(error))
    report = sync(table, account, owner=given.org or OPERATOR_ORG, twilio_url=given.twilio_url)
    sys.stdout.write(f"created {report.created}\n")
    for status, count in sorted(report.statuses.items()):
        sys.stdout.write(f"{status} {count}\n")
    for refusal in report.refused:
        sys.stderr.write(f"refused {refusal}\n")
    return 1 if report.refused else 0


def sync(table: Table, account: tuple[str, str], *, owner: str, twilio_url: str) -> Report:
    """Do it for an account (its SID and token), whose templates are kept as `owner`'s."""
    api = TwilioContent(*account, base_url=twilio_url)
    return WhatsAppTemplates(BuiltInApproved(), api, ContentTemplates(table, SystemClock(), owner)).sync()


def _shared(secret_arn: str) -> tuple[str, str]:
    secret = DeploymentSecret(client("secretsmanager"), secret_arn, SystemClock()).read()
    if not secret.twilio_account_sid:
        raise LookupError("the deployment's secret names no Twilio account")
    return secret.twilio_account_sid, secret.twilio_auth_token


def _own(table: Table, org_id: str) -> tuple[str, str]:
    stored = DynamoChannels(table).read(org_id).channels.get("whatsapp")
    if stored is None or stored.phase != "connected":
        raise LookupError(f"{org_id} has no WhatsApp number of its own; connect it first")
    own = open_channel(org_id, stored, KmsVault(lambda: client("kms")))
    return own.settings["account_sid"], own.secrets["auth_token"]


if __name__ == "__main__":
    sys.exit(main())
