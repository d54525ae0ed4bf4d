"""A sender's batch: queue messages in, results logged, and those that must come again named to SQS."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from carillon.runtime.batch import Answer, Failures, Message, queue_messages, whole
from carillon.runtime.logging import logger

R = TypeVar("R")
MISCONFIGURED = "misconfigured"


class Result(Protocol):
    """What became of one message; `busy` means that its queue must bring it again."""

    @property
    def result(self) -> str:
        """Sent, dropped, deferred, failed, unknown, busy, paused or misconfigured."""

    @property
    def ids(self) -> Mapping[str, str | None]:
        """The ids that a log entry carries."""

    @property
    def reason(self) -> str | None:
        """Why, in the contract's words."""


class ComesAgainError(Exception):
    """A message whose holder is still at work, or whose handling broke, is delivered again by its queue."""


def send_batch(
    event: Mapping[str, Any], read: Callable[[dict[str, Any]], R], send: Callable[[Sequence[R]], Sequence[Result]]
) -> Answer:
    """Send what a batch of a channel's queue names."""

    def handle(messages: Sequence[Message]) -> Failures:
        results = send([read(message.body) for message in messages])
        for result in results:
            # The deployment's own sender is refused: that concerns everybody, and an alarm counts these entries.
            log = logger().error if result.result == MISCONFIGURED else logger().info
            log(result.result, extra={**result.ids, "reason": result.reason})
        pairs = zip(messages, results, strict=True)
        return {message.id: ComesAgainError(message.id) for message, result in pairs if result.result == "busy"}

    return whole(queue_messages(event), handle)


def report(ids: Mapping[str, str], error: Exception) -> None:
    """Log a message whose handling broke; its queue brings it again."""
    logger().error("sending broke", extra=dict(ids), exc_info=error)
