"""Secrets of organizations under a KMS key of the deployment, each bound to its organization."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from carillon.domain.errors import InvalidValue

LARGEST = 4096
"""Bytes that KMS encrypts itself."""


class KmsVault:
    """See the port `Vault`. Without `key_arn` it opens only: what is sealed names its key.

    The organization is the encryption context: authenticated with the ciphertext, named in CloudTrail, and required
    by the functions' policies. The client is made on first use, since most organizations have nothing to open.
    """

    def __init__(self, client: Callable[[], Any], key_arn: str = "") -> None:
        self._client = client
        self._key_arn = key_arn

    def seal(self, org_id: str, secrets: Mapping[str, str]) -> str:
        """Encrypt; raises InvalidValue for more than fits, which keys of apps may be before they are packed."""
        packed = zlib.compress(json.dumps(dict(secrets)).encode(), 9)
        if len(packed) > LARGEST:
            raise InvalidValue("the credentials are too long to be kept")
        answer = self._client().encrypt(KeyId=self._key_arn, Plaintext=packed, EncryptionContext=_context(org_id))
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, org_id: str, sealed: str) -> dict[str, str]:
        """Decrypt; what was sealed for another organization is refused by KMS."""
        key = {"KeyId": self._key_arn} if self._key_arn else {}
        answer = self._client().decrypt(
            CiphertextBlob=base64.b64decode(sealed), EncryptionContext=_context(org_id), **key
        )
        opened: dict[str, str] = json.loads(zlib.decompress(answer["Plaintext"]))
        return opened


def _context(org_id: str) -> dict[str, str]:
    return {"organization": org_id}
