"""What happens in a chat with an organization's bot, in words that Telegram and Viber share."""

from datetime import datetime
from typing import Literal

from carillon.domain.values import value

ChatChannel = Literal["telegram", "viber"]


@value
class ChatEvent:
    """Something that a person did.

    `opened`: came by a link, whose payload is `text`; `wrote`: a message; `joined`: may be written to from now on;
    `ended`: blocked the bot, or left it. `event_id` is the provider's, the same when it tells the same again. `at`:
    when it happened, where the provider says so. `subscribed`: whether the bot may write to the person.
    """

    kind: Literal["opened", "wrote", "joined", "ended"]
    chat_id: str
    event_id: str
    at: datetime | None = None
    text: str = ""
    language: str | None = None
    subscribed: bool = True


@value
class ChatReceipt:
    """What became of a message of ours: by the token that went with it, or else by the provider's id."""

    token: str | None
    provider_id: str | None
    chat_id: str
    status: str
