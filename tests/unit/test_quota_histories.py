"""The books stay exact whatever interleaves, dies or comes twice; `tests/quota_histories.py` plays thousands."""

import pytest

from tests.quota_histories import History


@pytest.mark.parametrize("seed", range(25))
def test_a_history_is_exact_after_every_write(seed: int) -> None:
    seen = History(seed).play().seen
    assert seen["operations"] == 36
    assert seen["created"] + seen["credited"] > 0


def test_histories_hold_what_they_are_to_show() -> None:
    seen = sum((History(seed, operations=8).play().seen for seed in range(100, 110)), History(0).seen)
    for name in ("created", "created before", "credited", "conflicts", "deaths", "deaths after a write", "Exhausted"):
        assert seen[name] > 0, name
