"""Has every organization looked through for whatever should have moved and did not: one job each."""

from typing import Any

from carillon.bootstrap import sweeping
from carillon.runtime.logging import logger


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Run every 15 minutes."""
    count = sweeping.enqueue_sweeps()
    logger().info("sweeps queued", extra={"organizations": count})
    return {"organizations": count}
