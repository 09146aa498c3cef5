"""What happens to people's files: columns that were exported wrong, rows that were lost, dates of another country."""

from __future__ import annotations

import csv
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

soak = pytest.mark.skipif("EIP_SOAK" not in os.environ, reason="only with EIP_SOAK=1")

Row = dict[str, str]


@dataclass(frozen=True)
class Harm:
    """One way to spoil a file, and what a task's log must say of it."""

    file: str
    spoilt: Callable[[int, Row], Row | None]
    """A row's number and the row; None: it is gone."""
    words: tuple[str, ...]

    @contextmanager
    def done_to(self, data: Path) -> Iterator[None]:
        """Spoils the file for as long as it lasts."""
        path = data / f"olist_{self.file}_dataset.csv"
        whole = path.read_bytes()
        with path.open(newline="") as lines:
            table = csv.DictReader(lines)
            rows = [self.spoilt(number, row) for number, row in enumerate(table)]
            columns = list(table.fieldnames or ())
        with path.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, columns)
            writer.writeheader()
            writer.writerows(row for row in rows if row)
        try:
            yield
        finally:
            path.write_bytes(whole)


SPOILT_ITEMS = Harm(
    "order_items",
    lambda _, row: row | {"order_item_id": "one"},
    (
        "guard: stopped before the first record: ",
        "rows of olist_order_items_dataset.csv: not a number",
        'olist_order_items_dataset.csv line 2: order_item_id "one" not a number',
    ),
)
HALF_THE_CUSTOMERS = Harm(
    "customers",
    lambda number, row: row if number % 2 else None,
    (
        "guard: stopped before the first record: ",
        "would lose their known region (ZZ)",
        "orders whose customer_id matches no customer: olist_orders_dataset.csv line ",
    ),
)
OTHER_DATES = Harm(
    "orders",
    lambda _, row: row | {"order_purchase_timestamp": "3/1/2018 10:00"},
    (
        "guard: stopped before the first record: none of the ",
        "rows of olist_orders_dataset.csv: not a time",
        'olist_orders_dataset.csv line 2: order_purchase_timestamp "3/1/2018 10:00" not a time',
    ),
)


def busiest_day(data: Path) -> str:
    """The day on which most orders have an event: a guard looks at ten of them at least."""
    days: Counter[str] = Counter()
    with (data / "olist_orders_dataset.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            times = (
                row[name] for name in row if name.endswith(("_timestamp", "_at", "_carrier_date", "_customer_date"))
            )
            days.update({time[:10] for time in times if time})
    ((day, _),) = days.most_common(1)
    return day
