"""What template.yaml asks for, resolved for the local account: the only list of resources there is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from local.intrinsics import Intrinsics, TemplateError

ACCOUNT_ID: Final = "000000000000"
_CODE_PROPERTIES: Final = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}
# Resource type → (service in the ARN, separator between type and name); the name follows.
_ARN_FORMS: Final = {
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Scheduler::ScheduleGroup": "scheduler:{region}:{account}:schedule-group/{name}",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}",
    "AWS::SES::EmailIdentity": "ses:{region}:{account}:identity/{name}",
    "AWS::S3::Bucket": "s3:::{name}",
}
_NAME_PROPERTIES: Final = (
    "QueueName",
    "TopicName",
    "TableName",
    "FunctionName",
    "RoleName",
    "Name",
    "LogGroupName",
    "BucketName",
    "EmailIdentity",
)
_REF_IS_ARN: Final = frozenset({"AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::Lambda::Alias"})


@dataclass(frozen=True)
class Resource:
    """One resource of the processed template, its properties resolved."""

    logical_id: str
    type: str
    name: str
    arn: str
    properties: Mapping[str, Any]


@dataclass
class Template:
    """The processed template together with the values that only exist once resources are made."""

    processed: Mapping[str, Any]
    region: str
    stack_name: str
    parameters: Mapping[str, str]
    queue_url: Callable[[str], str]
    api_url: str
    overrides: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        declared = self.processed.get("Parameters", {})
        unknown = set(self.parameters) - set(declared)
        if unknown:
            raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
        values = {name: str(self.parameters.get(name, spec.get("Default", ""))) for name, spec in declared.items()}
        pseudo = {
            "AWS::Region": self.region,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::StackName": self.stack_name,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{ACCOUNT_ID}:stack/{self.stack_name}/1",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.intrinsics = Intrinsics(self.processed, values, pseudo, self._attribute)
        self._resources: Mapping[str, Any] = {
            logical_id: body
            for logical_id, body in self.processed["Resources"].items()
            if "Condition" not in body or self.intrinsics.condition(body["Condition"])
        }

    def resources(self, resource_type: str) -> list[Resource]:
        """All resources of one type whose condition holds, with resolved properties."""
        return [
            self.resource(logical_id) for logical_id, body in self._resources.items() if body["Type"] == resource_type
        ]

    def resource(self, logical_id: str) -> Resource:
        """Look up the resource with this logical id. Raises TemplateError where there is none."""
        body = self._body(logical_id)
        name = self._name(logical_id)
        return Resource(
            logical_id,
            body["Type"],
            name,
            self._arn(logical_id, name),
            self.intrinsics.resolve(body.get("Properties", {})),
        )

    def _body(self, logical_id: str) -> Any:
        try:
            return self._resources[logical_id]
        except KeyError:
            raise TemplateError(f"the template has no resource {logical_id}") from None

    def _name(self, logical_id: str) -> str:
        body = self._body(logical_id)
        properties = body.get("Properties", {})
        explicit = next((properties[key] for key in _NAME_PROPERTIES if key in properties), None)
        if explicit is not None:
            return str(self.intrinsics.resolve(explicit))
        suffix = ".fifo" if properties.get("FifoQueue") or properties.get("FifoTopic") else ""
        name = f"{self.stack_name}-{logical_id}{suffix}"
        return name.lower() if body["Type"] == "AWS::S3::Bucket" else name

    def _arn(self, logical_id: str, name: str) -> str:
        if (logical_id, "Arn") in self.overrides:
            return str(self.overrides[logical_id, "Arn"])
        form = _ARN_FORMS.get(self._body(logical_id)["Type"], "local:{region}:{account}:{name}")
        return "arn:aws:" + form.format(region=self.region, account=ACCOUNT_ID, name=name)

    def _attribute(self, logical_id: str, attribute: str | None) -> Any:
        if (logical_id, attribute) in self.overrides:
            return self.overrides[logical_id, attribute]
        body, name = self._body(logical_id), self._name(logical_id)
        kind = body["Type"]
        if attribute is None:
            return self._reference(logical_id, kind, name)
        if attribute in ("Arn", "TopicArn"):
            return self._arn(logical_id, name)
        if attribute in ("QueueName", "TopicName", "Name", "RoleId"):
            return name
        known = {
            "StreamArn": f"{self._arn(logical_id, name)}/stream/local",
            "QueueUrl": self.queue_url(name),
            "ApiEndpoint": self.api_url,
        }
        if attribute in known:
            return known[attribute]
        raise TemplateError(f"{logical_id}.{attribute} of {kind} is not known to the local cloud")

    def _reference(self, logical_id: str, kind: str, name: str) -> str:
        if kind == "AWS::SQS::Queue":
            return self.queue_url(name)
        if kind == "AWS::Lambda::Alias":
            return self._arn_of_function(self._body(logical_id)["Properties"]["FunctionName"])
        return self._arn(logical_id, name) if kind in _REF_IS_ARN else name

    def _arn_of_function(self, reference: Any) -> str:
        name = str(self.intrinsics.resolve(reference))
        return f"arn:aws:lambda:{self.region}:{ACCOUNT_ID}:function:{name}"


def load(path: Path, cache: Path | None = None) -> Mapping[str, Any]:
    """Read the template as CloudFormation would see it, after the SAM transform.

    The transform takes over a second, so its result is kept in the folder `cache`, under a hash of its input.
    """
    text = path.read_bytes()
    key = hashlib.sha256(text + version("aws-sam-translator").encode()).hexdigest()[:20]
    cached = cache / f"template-{key}.json" if cache else None
    if cached and cached.exists():
        result: Mapping[str, Any] = json.loads(cached.read_text())
        return result
    result = json.loads(json.dumps(transform(text.decode()), default=str))
    if cached:
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(json.dumps(result))
    return result


def transform(text: str) -> dict[str, Any]:
    """Run the SAM transform over a template's text. Raises samtranslator's InvalidDocumentException."""
    # Imported here because it takes a second, and a cached template does without.
    from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # noqa: PLC0415
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # noqa: PLC0415

    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    document = yaml_parse(text)
    for resource in document["Resources"].values():
        code = _CODE_PROPERTIES.get(resource.get("Type"))
        if code:  # the transform only knows uploaded code; here it is read from the repository
            resource.setdefault("Properties", {})[code] = "s3://local/code"
    functions = document.get("Globals", {}).get("Function", {})
    functions.pop("CodeUri", None)
    translated: dict[str, Any] = Translator(managed_policy_map={}, sam_parser=Parser()).translate(document, {})
    return translated
