"""The local cloud's own side of a deployment: parameters, resources, secrets, and what a worker finds around it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from local.config import PACKAGES, REPOSITORY, STRIPE_ACCOUNT, WHATSAPP_NUMBER, CloudConfig
from local.resources import Clients, create_all
from local.template import Template

WHATSAPP_SENDER = f"whatsapp:{WHATSAPP_NUMBER}"
EMAIL_SENDER = "no-reply@carillon.example"
SMS_SENDER = "Carillon"
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


def local_parameters(
    processed: Mapping[str, Any], api_url: str, fakes_url: str, operator_key_hash: str, sms_backend: str = "sns"
) -> dict[str, str]:
    """Choose the values of those parameters that differ here; a template without one goes without."""
    values = {
        "OperatorKeyHash": operator_key_hash,
        "PublicBaseUrl": api_url,
        "TwilioApiUrl": fakes_url,
        "TelegramApiUrl": fakes_url,
        "ViberApiUrl": fakes_url,
        "StripeApiUrl": f"{fakes_url}/stripe",
        "TopUpPackages": PACKAGES,
        "WhatsAppFrom": WHATSAPP_SENDER,
        "EmailFrom": EMAIL_SENDER,
        "SmsSenderId": SMS_SENDER,
        "SmsBackend": sms_backend,
    }
    declared = processed.get("Parameters", {})
    return {name: value for name, value in values.items() if name in declared}


def client(service: str, url: str, region: str) -> Any:
    """Build a boto3 client of the local cloud."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
    return boto3.client(  # type: ignore[call-overload]
        service, endpoint_url=url, region_name=region, config=config, **CREDENTIALS
    )


def make_resources(template: Template, backend_url: str) -> None:
    """Make tables, queues, topics and secrets on the backend."""
    region = template.region
    create_all(
        template,
        Clients(
            dynamodb=client("dynamodb", backend_url, region),
            sqs=client("sqs", backend_url, region),
            sns=client("sns", backend_url, region),
            secretsmanager=client("secretsmanager", backend_url, region),
            kms=client("kms", backend_url, region),
            s3=client("s3", backend_url, region),
        ),
    )


def fill_secrets(template: Template, backend_url: str, twilio: tuple[str, str]) -> None:
    """Put the fake accounts of Twilio and Stripe into the secret that a deployer fills in by hand."""
    manager = client("secretsmanager", backend_url, template.region)
    for secret in template.resources("AWS::SecretsManager::Secret"):
        document = json.loads(manager.get_secret_value(SecretId=secret.name)["SecretString"])
        if document.get("twilio_account_sid") == "":
            document |= {"twilio_account_sid": twilio[0], "twilio_auth_token": twilio[1]}
            document |= {"stripe_secret_key": STRIPE_ACCOUNT[0], "stripe_webhook_secret": STRIPE_ACCOUNT[1]}
            manager.put_secret_value(SecretId=secret.name, SecretString=json.dumps(document))


def worker_environment(config: CloudConfig, backend_url: str, fakes_url: str) -> dict[str, str]:
    """Build what every worker gets beside its function's own variables."""
    return {
        "PYTHONPATH": os.pathsep.join(str(path) for path in (*config.code, _package_root())),
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": backend_url,
        "AWS_ENDPOINT_URL_SNS": f"{fakes_url}/aws/sns",
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": f"{fakes_url}/aws/sms-voice",
        "AWS_ENDPOINT_URL_SESV2": f"{fakes_url}/aws/ses",
        "AWS_ENDPOINT_URL_SCHEDULER": f"{fakes_url}/aws/scheduler",
    }


def _package_root() -> str:
    return str(REPOSITORY)
