"""Takes events of e-mail and SMS: moves the messages they name, heeds bounces and complaints, takes replies by SMS."""

from typing import Any

from carillon.bootstrap import receipts, replies
from carillon.runtime.batch import Answer, Message, each, queue_messages
from carillon.runtime.logging import logger


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Handle a batch of the receipts queue."""
    return each(queue_messages(event), _record)


def _record(message: Message) -> None:
    if receipts.is_about_sms(message.body):
        _sms(message)
    elif (taken := replies.take_sms(message.body)) is not None:
        org_id, reply = taken
        logger().info("reply", extra={"organization_id": org_id, "result": reply.result, "opt": reply.opt})
    else:
        _mail(message)


def _sms(message: Message) -> None:
    receipt = receipts.read_sms_event(message.body)
    if receipt is not None:
        done = receipts.sms().apply(receipt)
        known = {"status": receipt.status, "code": receipt.code}
        logger().info("receipt", extra={"organization_id": done.org_id, "result": done.result, **known})


def _mail(message: Message) -> None:
    event = receipts.read_ses_event(message.body)
    if event is None:
        return
    done = receipts.email().take(event)
    known = {"status": event.receipt.status, "refusal": event.refusal}
    logger().info("receipt", extra={"organization_id": done.org_id, "result": done.result, **known})
