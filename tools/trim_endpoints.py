"""Writes the part of botocore's endpoints.json that our services need: a client's creation reads the whole file.

    python tools/trim_endpoints.py

All partitions and regions stay; of the services only those that functions make clients of.
"""

import json
import sys
from pathlib import Path
from typing import Any

import botocore

SOURCE = Path(botocore.__file__).parent / "data" / "endpoints.json"
TARGET = Path(__file__).parents[1] / "layers" / "shared" / "carillon" / "adapters" / "botocore_data" / "endpoints.json"
SERVICES = frozenset(
    {"dynamodb", "sqs", "scheduler", "secretsmanager", "email", "sns", "sms-voice", "kms", "s3", "events"}
)
"""By their endpoint prefix (SES v2's is `email`)."""


def trimmed() -> dict[str, Any]:
    """Read botocore's file without the services that nothing here calls."""
    document: dict[str, Any] = json.loads(SOURCE.read_text())
    for partition in document["partitions"]:
        partition["services"] = {name: it for name, it in partition["services"].items() if name in SERVICES}
    return document


def main() -> int:
    """Write the file."""
    TARGET.write_text(json.dumps(trimmed(), separators=(",", ":"), sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
