"""Laws of what a log says about a run's input: every reason, the first rows of each, and how many more there are."""

from __future__ import annotations

from typing import Any

import pytest

from eip_provider.inputs import MOST_LINES, approvable, input_lines, most_rejected, reject_line, stop_words

ITEMS = "olist_order_items_dataset.csv"
ONE = {"file": ITEMS, "line": 2, "field": "order_item_id", "reason": "not_a_number", "value": "one", "order_id": "a1"}
RAGGED = {"file": "orders.csv", "line": 7, "last_line": 9, "field": "", "reason": "ragged", "value": 'a,"b'}
DEPENDS = {"file": "orders.csv", "line": 3, "field": "", "reason": "depends_on_rejected"} | {
    "because_of": {"file": ITEMS, "line": 2}
}
AS_OF = {"order_id": "a1", "field": "order_delivered_customer_date", "file": "orders.csv", "line": 2} | {
    "time": 4_323_456_000,
    "times": 4_000,
    "usual": 1_539_797_418,
}


def count(rows: int, *samples: dict[str, Any], file: str = ITEMS, reason: str = "not_a_number") -> dict[str, Any]:
    return {"table": "items", "file": file, "reason": reason, "rows": rows, "samples": list(samples)}


def test_a_row_is_named_by_file_lines_field_value_and_reason() -> None:
    assert reject_line(ONE) == f'{ITEMS} line 2: order_item_id "one" not a number'
    assert reject_line(RAGGED) == 'orders.csv line 7 to 9: "a,\\"b" ragged'
    assert reject_line(DEPENDS) == f"orders.csv line 3: depends on rejected ({ITEMS} line 2)"


def test_rejects_are_listed_by_reason_and_the_rest_is_counted() -> None:
    said = {"rejects": [count(5_400, ONE), count(2, RAGGED, file="orders.csv", reason="ragged")]}
    assert input_lines(said, "GET there") == [
        f"rejected: 5,400 rows of {ITEMS}: not a number",
        f'  {ITEMS} line 2: order_item_id "one" not a number',
        "rejected: 2 rows of orders.csv: ragged",
        '  orders.csv line 7 to 9: "a,\\"b" ragged',
        "and 5,400 more rejected rows: GET there",
    ]


@pytest.mark.parametrize("reasons", [1, 3, 10, 61])
def test_a_log_is_never_flooded_and_shows_a_row_of_each_reason_that_it_lists(reasons: int) -> None:
    lines = input_lines({"rejects": [count(100, *[ONE] * 30) for _ in range(reasons)]}, "there")
    assert len(lines) <= MOST_LINES + 1
    listed = [place for place, line in enumerate(lines) if line.startswith("rejected")]
    assert len(listed) == min(reasons, 10)
    assert all(lines[place + 1].startswith("  ") for place in listed)
    assert lines[-1].startswith(f"and {100 * reasons - (len(lines) - 1 - len(listed)):,} more rejected rows")
    assert ("51 more reasons" in lines[-1]) is (reasons == 61)


def test_what_does_not_join_is_said_with_its_first_row() -> None:
    sample = {"file": "orders.csv", "line": 2, "value": "c1", "alike": "C1"}
    joins = {
        "orders_without_customer": {"count": 1_000, "alike": 3, "samples": [sample]},
        "items_without_seller": {"count": 0, "alike": 0, "samples": []},
        "orders_without_items": 775,
        "sellers_without_item": 0,
    }
    damaged = {"count": 2, "places": [{"file": "orders.csv", "line": 9}]}
    said = {"joins": joins, "swallowing_orders": damaged, "as_of_row": AS_OF, "notes": ["it only asserts"]}
    assert input_lines(said, "there") == [
        (
            "unmatched: 1,000 orders whose customer_id matches no customer, 3 by case or blanks alone: "
            'orders.csv line 2 has "c1", there is "C1"'
        ),
        "found: 775 orders without an item",
        "damaged: 2 rows of the orders may have swallowed others, the first at orders.csv line 9",
        "asOf: 2107-01-03T00:00:00Z, from order_delivered_customer_date of a1 (orders.csv line 2)",
        "note: it only asserts",
    ]


@pytest.mark.parametrize(
    "said",
    [{}, {"rejects": None, "joins": [], "notes": "none"}, {"rejects": [None], "joins": {"orders_without_customer": 7}}],
)
def test_what_an_ingest_does_not_say_is_left_out(said: dict[str, Any]) -> None:
    assert input_lines(said, "there") == []


def test_a_stop_is_one_line_and_only_rejected_rows_can_be_let_through() -> None:
    rejected = {"stop": "rejected", "table": "items", "rows": 5_000, "rejected": 4_242, "samples": [ONE]}
    no_orders = {"stop": "no_orders", "rows": 9, "sample": RAGGED}
    ahead, apart = ({"stop": "as_of", "row": AS_OF, "now": now} for now in (1_539_800_000, None))
    assert stop_words(rejected) == (
        f'4,242 of 5,000 rows of the items (84.8 %) are rejected: {ITEMS} line 2: order_item_id "one" not a number'
    )
    assert stop_words(no_orders).startswith("none of the 9 rows of the orders is accepted: orders.csv line 7 to 9")
    assert stop_words({"stop": "no_orders", "rows": 0, "sample": None}) == "the orders have no row"
    assert stop_words(ahead).endswith("(orders.csv line 2), which is after the wall clock (2018-10-17T18:13:20Z)")
    assert stop_words(apart).endswith("which is far later than all other times (2018-10-17T17:30:18Z)")
    assert "moon" in stop_words({"stop": "moon"})
    stops = [None, rejected, no_orders, ahead, apart]
    assert [approvable(stop) for stop in stops] == [True, True, False, False, False]


def test_an_approval_covers_the_table_with_most_rejected_rows() -> None:
    said = {"tables": [{"table": "orders", "rows": 900, "rejected": 700}, {"table": "items", "rows": 9, "rejected": 0}]}
    stop = {"stop": "rejected", "table": "items", "rows": 5_000, "rejected": 600, "samples": []}
    assert most_rejected(said, stop) == 700
    assert most_rejected({}, stop) == 600
    assert most_rejected(said, None) is None
    assert most_rejected(said, {"stop": "no_orders"}) is None
