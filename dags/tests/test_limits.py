"""Laws of the limits: they are Ingest's, to the row."""

from __future__ import annotations

import pytest

from eip_provider.limits import REJECTED, summed, too_many_rejected


@pytest.mark.parametrize(
    ("part", "whole", "explicit", "stops"),
    [
        (9, 10, None, False),
        (10, 200, None, False),
        (10, 199, None, True),
        (10, 199, "10", False),
        (11, 199, "10", True),
        (10, 199, "6%", False),
        (10, 199, "5.02%", True),
        (10, 199, "5.03%", False),
        (1, 1_000, "0", True),
        (1_000, 1_000, "100%", False),
    ],
)
def test_a_default_is_a_count_and_a_share_and_an_explicit_limit_is_either(
    part: int, whole: int, explicit: str | None, *, stops: bool
) -> None:
    assert REJECTED.stops(part, whole, explicit) is stops


def test_no_accepted_order_is_too_many_whatever_the_limit() -> None:
    assert too_many_rejected({"orders": (3, 3)}, "100%") == "none of the 3 rows of the orders is accepted"
    assert too_many_rejected({"orders": (3, 2), "order_items": (3, 3)}, None) is None
    assert too_many_rejected({}, None) is None


def test_too_many_rows_of_a_table_are_named_with_what_lets_them_through() -> None:
    tables = summed([{"orders": (60, 6)}, {"orders": (40, 6), "sellers": (9, 9)}])
    assert too_many_rejected(tables, None) == (
        "12 of 100 rows of the orders (12.0 %) are rejected, and more than 5 % and at least 10 are too many; "
        "if that is meant, run again with max_rejected 12"
    )
    assert too_many_rejected(tables, "12") is None
    assert "more than 5% are too many" in (too_many_rejected(tables, "5%") or "")
