"""Functions and what triggers them, read from the processed template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.template import Resource, Template

_FUNCTION_IN_URI = re.compile(r"functions/arn:aws:lambda:[^:]*:[^:]*:function:([^:/]+)")
_DEFAULT_TIMEOUT_S = 3.0
_STREAM_RETRIES_UNBOUNDED = -1


@dataclass(frozen=True)
class FunctionSpec:
    """One Lambda function: how to start it and how long it may run."""

    name: str
    handler: str
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    async_retries: int = 2
    async_failure_arn: str | None = None


@dataclass(frozen=True)
class SourceMapping:
    """An event source mapping from a queue or a stream to a function."""

    function: str
    source_arn: str
    batch_size: int
    window_s: float
    partial_answers: bool
    filters: tuple[Any, ...]
    retries: int
    max_age_s: int
    bisect: bool
    failure_arn: str | None
    max_concurrency: int

    @property
    def is_stream(self) -> bool:
        """Whether the source is a DynamoDB stream rather than a queue."""
        return ":dynamodb:" in self.source_arn


@dataclass(frozen=True)
class PeriodicSpec:
    """A schedule that the template itself sets on a function (housekeeping)."""

    name: str
    arn: str
    expression: str
    time_zone: str
    function: str
    input: str | None
    is_rule: bool


@dataclass(frozen=True)
class AuthorizerSpec:
    """A Lambda authorizer with simple responses."""

    function: str
    identity_headers: tuple[str, ...]
    ttl_s: int


@dataclass(frozen=True)
class RouteSpec:
    """One route of the HTTP API. `method` is upper case, ANY for all; `path` may end in `{proxy+}`."""

    method: str
    path: str
    function: str
    authorizer: AuthorizerSpec | None


def functions(template: Template) -> dict[str, FunctionSpec]:
    """Every function by its physical name."""
    configs = {r.properties["FunctionName"]: r for r in template.resources("AWS::Lambda::EventInvokeConfig")}
    return {r.name: _function(r, configs.get(r.name)) for r in template.resources("AWS::Lambda::Function")}


def _function(resource: Resource, invoke_config: Resource | None) -> FunctionSpec:
    properties = resource.properties
    variables = properties.get("Environment", {}).get("Variables", {})
    asynchronous = invoke_config.properties if invoke_config else {}
    failure = asynchronous.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return FunctionSpec(
        name=resource.name,
        handler=str(properties["Handler"]),
        environment={key: _text(value) for key, value in variables.items()},
        timeout_s=float(properties.get("Timeout", _DEFAULT_TIMEOUT_S)),
        memory_mb=int(properties.get("MemorySize", 128)),
        async_retries=int(asynchronous.get("MaximumRetryAttempts", 2)),
        async_failure_arn=failure or properties.get("DeadLetterConfig", {}).get("TargetArn"),
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def function_name(reference: str) -> str:
    """Take the function's name from a name, an ARN, or either with a version or alias."""
    if reference.startswith("arn:"):
        return reference.split(":")[6]
    return reference.split(":", maxsplit=1)[0]


def source_mappings(template: Template) -> list[SourceMapping]:
    """Every event source mapping that isn't disabled."""
    return [
        _mapping(resource.properties)
        for resource in template.resources("AWS::Lambda::EventSourceMapping")
        if resource.properties.get("Enabled", True)
    ]


def _mapping(properties: Mapping[str, Any]) -> SourceMapping:
    source = str(properties["EventSourceArn"])
    patterns = properties.get("FilterCriteria", {}).get("Filters", [])
    failure = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return SourceMapping(
        function=function_name(str(properties["FunctionName"])),
        source_arn=source,
        batch_size=int(properties.get("BatchSize", 100 if ":dynamodb:" in source else 10)),
        window_s=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        partial_answers="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        filters=tuple(json.loads(entry["Pattern"]) for entry in patterns),
        retries=int(properties.get("MaximumRetryAttempts", _STREAM_RETRIES_UNBOUNDED)),
        max_age_s=int(properties.get("MaximumRecordAgeInSeconds", -1)),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        failure_arn=failure,
        max_concurrency=int(properties.get("ScalingConfig", {}).get("MaximumConcurrency", 0)),
    )


def periodic_schedules(template: Template) -> list[PeriodicSpec]:
    """Read the schedules and rules of the template that invoke a function."""
    found: list[PeriodicSpec] = []
    for resource in template.resources("AWS::Events::Rule"):
        properties = resource.properties
        if "ScheduleExpression" not in properties or properties.get("State") == "DISABLED":
            continue
        found.extend(
            _periodic(resource, properties["ScheduleExpression"], "UTC", target, is_rule=True)
            for target in properties.get("Targets", [])
        )
    for resource in template.resources("AWS::Scheduler::Schedule"):
        properties = resource.properties
        if properties.get("State") == "DISABLED":
            continue
        zone = properties.get("ScheduleExpressionTimezone", "UTC")
        found.append(_periodic(resource, properties["ScheduleExpression"], zone, properties["Target"], is_rule=False))
    return found


def _periodic(
    resource: Resource, expression: str, zone: str, target: Mapping[str, Any], *, is_rule: bool
) -> PeriodicSpec:
    return PeriodicSpec(
        name=resource.name,
        arn=resource.arn,
        expression=expression,
        time_zone=zone,
        function=function_name(str(target["Arn"])),
        input=target.get("Input"),
        is_rule=is_rule,
    )


def routes(template: Template) -> list[RouteSpec]:
    """Read the routes of the template's HTTP API with their authorizers."""
    found: list[RouteSpec] = []
    for api in template.resources("AWS::ApiGatewayV2::Api"):
        body = api.properties.get("Body") or {}
        schemes = body.get("components", {}).get("securitySchemes", {})
        authorizers = {name: _authorizer(scheme) for name, scheme in schemes.items()}
        for path, methods in body.get("paths", {}).items():
            for method, operation in methods.items():
                if "x-amazon-apigateway-integration" in operation:
                    found.append(_route(path, method, operation, authorizers))
    return found


def _route(
    path: str, method: str, operation: Mapping[str, Any], authorizers: Mapping[str, AuthorizerSpec | None]
) -> RouteSpec:
    names = [name for entry in operation.get("security", []) for name in entry]
    return RouteSpec(
        method="ANY" if method == "x-amazon-apigateway-any-method" else method.upper(),
        path=path,
        function=_uri_function(operation["x-amazon-apigateway-integration"]["uri"]),
        authorizer=next((authorizers[name] for name in names if authorizers.get(name)), None),
    )


def _authorizer(scheme: Mapping[str, Any]) -> AuthorizerSpec | None:
    settings = scheme.get("x-amazon-apigateway-authorizer")
    if not settings or settings.get("type") != "request":
        return None
    prefix = "$request.header."
    sources = [s for s in settings.get("identitySource", []) if s.startswith(prefix)]
    return AuthorizerSpec(
        function=_uri_function(settings["authorizerUri"]),
        identity_headers=tuple(source.removeprefix(prefix).lower() for source in sources),
        ttl_s=int(settings.get("authorizerResultTtlInSeconds", 300)),
    )


def _uri_function(uri: str) -> str:
    match = _FUNCTION_IN_URI.search(uri)
    if match is None:
        raise ValueError(f"no function in the integration {uri}")
    return match.group(1)
