"""Laws of reading a dataset: every order is in one partition, with all that belongs to it, and nothing is made up."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from eip_provider.errors import DataUnusable
from eip_provider.olist import COLUMNS, batches, event_ranges, partitions, read, survey
from places import OLIST

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = [
    ["o1", "c1", "delivered", "2017-01-31 23:59:59", "", "", "2017-03-02 00:00:00", "2017-02-20 00:00:00"],
    ["o2", "c2", "shipped", "2017-02-01 00:00:00", "2017-02-01 10:00:00", "", "", "2017-02-20 00:00:00"],
    ["o3", "c3", "shipped", "2017-02-30 00:00:00", "2019-01-01 00:00:00", "", "", ""],
    ["o4", "c1", "created", "", "", "", "", ""],
]
ITEMS = [["o1", "1", "s1"], ["o1", "2", "s2"], ["o2", "1", "s1"], ["o9", "1", "s3"]]
CUSTOMERS = [["c1", "SP"], ["c2", "RJ"], ["c9", "MG"]]
SELLERS = [["s1", "SP"], ["s2", "PR"], ["s3", "SC"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in (("orders", ORDERS), ("order_items", ITEMS), ("customers", CUSTOMERS), ("sellers", SELLERS)):
        with (tmp_path / f"olist_{name}_dataset.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["unused", *reversed(COLUMNS[name])])
            writer.writerows(["x", *reversed(row)] for row in rows)
    return tmp_path


def pushed(folder: Path, part: dict[str, Any], size: int = 10) -> list[list[dict[str, Any]]]:
    return [
        [json.loads(line) for line in gzip.decompress(batch).splitlines()]
        for batch in batches(folder, part, size, lambda *_: None)
    ]


def test_a_look_finds_the_months_and_the_last_instant_of_what_can_be_read(folder: Path) -> None:
    seen = survey(folder)
    assert seen.purchases == {"2017-01": 1, "2017-02": 1, "undated": 2}
    assert seen.as_of == "2017-03-02T00:00:00Z"


def test_a_partition_is_self_contained(folder: Path) -> None:
    first, second, undated = partitions(list(survey(folder).purchases), "month")
    assert first == {"label": "2017-01", "first": "2017-01-01", "behind": "2017-02-01"}
    (batch,) = pushed(folder, first)
    assert [(line["file"], next(iter(line["row"].values()))) for line in batch] == [
        ("orders", "o1"),
        ("order_items", "o1"),
        ("order_items", "o1"),
        ("customers", "c1"),
        ("sellers", "s1"),
        ("sellers", "s2"),
    ]
    assert batch[0]["row"] == dict(zip(COLUMNS["orders"], ORDERS[0], strict=True))
    assert [line["row"]["order_id"] for line in pushed(folder, second)[0] if line["file"] == "orders"] == ["o2"]
    assert [line["row"]["order_id"] for line in pushed(folder, undated)[0] if line["file"] == "orders"] == ["o3", "o4"]


def test_batches_hold_so_many_orders_and_are_the_same_bytes_again(folder: Path) -> None:
    part = {"label": "2017", "first": "2017-01-01", "behind": "2018-01-01"}
    assert [sum(line["file"] == "orders" for line in batch) for batch in pushed(folder, part, 1)] == [1, 1]
    once, again = (list(batches(folder, part, 1, lambda *_: None)) for _ in range(2))
    assert once == again


def test_coarser_partitions_hold_the_same_months() -> None:
    months = ["2016-12", "2017-01", "2017-03", "2017-04"]
    assert [part["label"] for part in partitions(months, "quarter")] == ["2016-10", "2017-01", "2017-04"]
    assert partitions(months, "year")[1] == {"label": "2017", "first": "2017-01-01", "behind": "2018-01-01"}
    assert partitions(["2016-12"], "month")[0]["behind"] == "2017-01-01"


def test_event_ranges_join_and_reach_as_far_as_was_asked_for() -> None:
    parts = partitions(["2017-01", "2017-02", "2017-03", "undated"], "month")
    ranges = [(part["first"], part["behind"]) for part in event_ranges(parts, None, None, None)]
    assert ranges == [(None, "2017-02-01"), ("2017-02-01", "2017-03-01"), ("2017-03-01", None)]
    cut = event_ranges(parts, "2017-02-10", "2017-03-01", "2018-01-01T00:00:00Z")
    assert cut == [
        {"label": "2017-02-10", "first": "2017-02-10", "behind": "2017-03-01", "as_of": "2018-01-01T00:00:00Z"}
    ]
    assert [(part["first"], part["behind"]) for part in event_ranges([], None, None, None)] == [(None, None)]


def test_a_ragged_row_is_counted_and_left_out(folder: Path) -> None:
    with (folder / "olist_sellers_dataset.csv").open("a") as file:
        file.write("only-one-field\n\n")
    told: list[tuple[str, tuple[int, int]]] = []
    assert len(list(read(folder, "sellers", lambda *what: told.append(what)))) == 3
    assert told == [("sellers", (4, 1))]


@pytest.mark.parametrize("harm", ["missing", "column", "quote", "archive"])
def test_a_file_that_does_not_end_cleanly_is_unusable_and_named(folder: Path, harm: str) -> None:
    path = folder / "olist_sellers_dataset.csv"
    whole = path.read_bytes()
    path.unlink()
    if harm == "column":
        path.write_bytes(whole.replace(b"seller_state", b"state"))
    elif harm == "quote":
        path.write_bytes(whole + b'x,"SP')
    elif harm == "archive":
        path.with_suffix(".csv.gz").write_bytes(gzip.compress(whole)[:-4])
    with pytest.raises(DataUnusable, match=r"olist_sellers_dataset\.csv"):
        list(read(folder, "sellers"))


def test_the_real_data_is_read_whole() -> None:
    if not OLIST.is_dir():
        pytest.skip(f"the real Olist is not at {OLIST}: set EIP_OLIST to its folder")
    seen = survey(OLIST)
    assert sum(seen.purchases.values()) == 99_441
    assert "undated" not in seen.purchases
    assert seen.as_of == "2018-10-17T17:30:18Z"
