"""What template.yaml promises about buckets: nobody but the functions gets at them, and they forget."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from carillon.domain.attachments import KEPT_DAYS
from local.template import load

ROOT: Final = Path(__file__).parents[2]


@functools.cache
def resources() -> Mapping[str, Mapping[str, Any]]:
    loaded: Mapping[str, Mapping[str, Any]] = load(ROOT / "template.yaml")["Resources"]
    return loaded


BUCKETS: Final = sorted(name for name, body in resources().items() if body["Type"] == "AWS::S3::Bucket")


@pytest.mark.parametrize("name", BUCKETS)
class TestEveryBucket:
    def test_is_closed_to_the_public_and_encrypted(self, name: str) -> None:
        bucket = resources()[name]["Properties"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")

    def test_takes_encrypted_connections_only(self, name: str) -> None:
        (policy,) = [
            body["Properties"]["PolicyDocument"]["Statement"]
            for body in resources().values()
            if body["Type"] == "AWS::S3::BucketPolicy" and body["Properties"]["Bucket"] == {"Ref": name}
        ]
        (statement,) = policy
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]

    def test_forgets_and_keeps_no_versions(self, name: str) -> None:
        bucket = resources()[name]["Properties"]
        (rule,) = bucket["LifecycleConfiguration"]["Rules"]
        assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", KEPT_DAYS)
        assert "Prefix" not in rule
        assert "VersioningConfiguration" not in bucket

    def test_does_not_keep_the_stack_from_being_deleted(self, name: str) -> None:
        assert resources()[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_there_is_one_for_files() -> None:
    assert BUCKETS == ["AttachmentsBucket"]
