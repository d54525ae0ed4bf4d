"""What manual messages say, in an item beside each, and the files that go with them."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table
from carillon.domain import codec
from carillon.domain.manual import Written
from carillon.domain.messages import Message, MessageKey
from carillon.ports.delivery import Rendered, RenderingFailed


class StoredWords:
    """See the port `WrittenTexts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, org_id: str, key: MessageKey) -> Written | None:
        """Read it; None when it is gone."""
        item = self._table.get(keys.message_body(org_id, key.recipient, key.digest))
        return codec.loads(Written, item["doc"]) if item is not None else None

    def compose(self, org_id: str, message: Message) -> Rendered:
        """Give a message's words as they are to go out; raises RenderingFailed when they are gone."""
        written = self.find(org_id, message.key)
        if written is None:
            raise RenderingFailed("what the message says is gone")
        return Rendered(
            text=written.text,
            subject=written.subject,
            html=written.html,
            content_sid=written.content_sid,
            variables=written.variables,
            files=tuple(written.files),
        )
