"""Files that go with messages, in a private bucket that forgets them after some days."""

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from carillon.domain.attachments import StoredFile
from carillon.ports.delivery import Attachment
from carillon.ports.manual import FileGone

PAGE = 1000
_GONE = frozenset({"NoSuchKey", "404"})


class S3Files:
    """See the port `Files`. A file's place begins with its data set; the client is made on first use."""

    def __init__(self, client: Callable[[], Any], bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, org_id: str, message_id: str, files: Sequence[Attachment]) -> list[StoredFile]:
        """Keep files, before the message that they belong to is stored."""
        return [self._put(f"{org_id}/{message_id}/{number}", file) for number, file in enumerate(files)]

    def _put(self, place: str, file: Attachment) -> StoredFile:
        # Its type here says nothing, so that nobody's browser ever shows it.
        self._client().put_object(
            Bucket=self._bucket, Key=place, Body=file.content, ContentType="application/octet-stream"
        )
        return StoredFile(filename=file.filename, content_type=file.content_type, size=len(file.content), place=place)

    def fetch(self, org_id: str, file: StoredFile) -> Attachment:
        """Read a file; raises FileGone."""
        if not file.place.startswith(f"{org_id}/"):
            raise FileGone("the file is another organization's")
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=file.place)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise FileGone("the file is not kept any more") from error
            raise
        return Attachment(file.filename, file.content_type, answer["Body"].read())

    def forget(self, org_id: str) -> int:
        """Delete every file of a data set; gives their number. What is gone is gone, so it may be repeated."""
        count = 0
        while True:
            page = self._client().list_objects_v2(Bucket=self._bucket, Prefix=f"{org_id}/", MaxKeys=PAGE)
            places = [found["Key"] for found in page.get("Contents", [])]
            if not places:
                return count
            answer = self._client().delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": place} for place in places], "Quiet": True}
            )
            if answer.get("Errors"):
                raise RuntimeError(f"S3 kept {len(answer['Errors'])} files: {answer['Errors'][0].get('Code')}")
            count += len(places)
