"""The good lines, batch by batch, and what became of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tools.importing.api import Api
from tools.importing.building import Made
from tools.importing.faults import BadLine
from tools.importing.progress import Progress

MOST_ITEMS = 100
MOST_BYTES = 240_000
"""A body may have 256 KB."""
ROUNDS = 4
"""How often an item that others were writing just then is sent again."""
BUSY = 503


def send(api: Api, path: str, made: Sequence[Made], progress: Progress) -> Iterator[Counter[str]]:
    """Send what is not done yet; after each batch, gives what became of it: `new`, `there`, `refused`."""
    progress.begin()
    waiting = [each for each in made if each.line not in progress.done]
    for part in parts(waiting):
        counted: Counter[str] = Counter()
        refused: list[BadLine] = []
        for each, result in zip(part, _results(api, path, part, progress.run), strict=True):
            problem = result.get("problem")
            counted["refused" if problem else "new" if result["status"] == 201 else "there"] += 1  # noqa: PLR2004
            if problem:
                refused += _bad(each, problem)
        progress.note([each.line for each in part], refused)
        yield counted


def parts(made: Sequence[Made]) -> Iterator[list[Made]]:
    """Part items into batches that the API takes."""
    part: list[Made] = []
    size = 0
    for each in made:
        own = len(json.dumps(each.item, ensure_ascii=False).encode()) + 2
        if part and (len(part) == MOST_ITEMS or size + own > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += own
    if part:
        yield part


def _results(api: Api, path: str, part: list[Made], run: str) -> list[dict[str, Any]]:
    """Send a batch, and again those of it that others were writing just then."""
    found = api.batch(path, [each.item for each in part], run)
    for number in range(ROUNDS):
        again = [place for place, result in enumerate(found) if result["status"] == BUSY]
        if not again:
            break
        results = api.batch(path, [part[place].item for place in again], f"{run}-{number}")
        for place, result in zip(again, results, strict=True):
            found[place] = result
    return found


def _bad(made: Made, problem: dict[str, Any]) -> list[BadLine]:
    errors = problem.get("errors") or [{"pointer": "", "message": problem["detail"]}]
    return [BadLine(made.line, made.column(error["pointer"]), error["message"]) for error in errors]
