"""A dataset's four CSV files as Airflow reads them: which partitions there are, and the raw rows of one.

A row stays what it is, text by column; making events of it is Ingest's work, and so is rejecting it. Only whole rows
can be pushed, so a ragged one is counted and left out. A partition holds the orders purchased in it, each with its
items, its customer and its sellers; orders without a purchase date that one can read make a last partition of their
own, so that Ingest is asked about them too.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from eip_provider.errors import DataUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eip_provider.limits import RowCounts

Unit = Literal["month", "quarter", "year"]

COLUMNS = {
    "orders": (
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ),
    "order_items": ("order_id", "order_item_id", "seller_id"),
    "customers": ("customer_id", "customer_state"),
    "sellers": ("seller_id", "seller_state"),
}
"""The files, and the columns of each that are pushed."""

AS_OF_COLUMNS = (
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
)
"""asOf's default is the greatest of these over the orders whose times can all be read."""

TIME_COLUMNS = (*AS_OF_COLUMNS, "order_estimated_delivery_date")

UNDATED = "undated"
MONTHS = {"month": 1, "quarter": 3, "year": 12}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one look through the orders shows."""

    purchases: dict[str, int]
    """Orders by month of purchase, `YYYY-MM`, months ascending; `undated` last."""
    as_of: str | None
    """The default asOf, on the wire's form."""
    unread: str | None = None
    """The first purchase time that cannot be read here, with its order."""


def survey(folder: Path) -> Survey:
    """Reads the orders once."""
    months: dict[str, int] = {}
    as_of = ""
    unread: str | None = None
    for row in read(folder, "orders"):
        month = purchase_month(row)
        if month == UNDATED and unread is None:
            value = json.dumps(row["order_purchase_timestamp"], ensure_ascii=False)
            unread = f"order_purchase_timestamp {value} of order {row['order_id']}"
        months[month] = months.get(month, 0) + 1
        given = {column: row[column] for column in TIME_COLUMNS if row[column]}
        if month != UNDATED and all(map(_is_time, given.values())):
            as_of = max([as_of, *(given[column] for column in AS_OF_COLUMNS if column in given)])
    in_order = sorted(months, key=lambda month: (month == UNDATED, month))
    return Survey(
        purchases={month: months[month] for month in in_order},
        as_of=as_of.replace(" ", "T") + "Z" if as_of else None,
        unread=unread,
    )


def usable_as_of(seen: Survey, given: str | None) -> str:
    """The asOf that every push names: the given one, else the orders' own.

    Raises:
        DataUnusable: there is no order, or none whose times can be read here.
    """
    if not seen.purchases:
        raise DataUnusable("the orders have no row that can be pushed")
    as_of = given or seen.as_of
    if not as_of:
        raise DataUnusable(
            f"no order has a purchase time that can be read, such as {seen.unread} (expected 2017-10-02 10:56:33); "
            "data in another form needs delivery by reference and a dataset.toml"
        )
    return as_of


def partitions(months: list[str], unit: Unit) -> list[dict[str, Any]]:
    """Partitions that hold these months, ascending: a label and the half-open range of purchase dates."""
    found: dict[str, dict[str, Any]] = {}
    for month in months:
        if month == UNDATED:
            found[UNDATED] = {"label": UNDATED, "first": None, "behind": None}
            continue
        year, number = int(month[:4]), int(month[5:])
        span = MONTHS[unit]
        first = (number - 1) // span * span + 1
        behind = date(year + (first + span > 12), (first + span - 1) % 12 + 1, 1)  # noqa: PLR2004 - months of a year
        start = date(year, first, 1)
        found[start.isoformat()] = {
            "label": start.isoformat()[: 4 if unit == "year" else 7],
            "first": start.isoformat(),
            "behind": behind.isoformat(),
        }
    return list(found.values())


def event_ranges(
    parts: list[dict[str, Any]], start: str | None, end: str | None, as_of: str | None
) -> list[dict[str, Any]]:
    """The partitions as ranges of event time that together are [start, end): the outermost reach as far as it does.

    Without partitions, one range is all.
    """
    cuts = [part["first"] for part in parts if part["first"]][1:]
    inner = [cut for cut in cuts if (not start or cut > start) and (not end or cut < end)]
    bounds: list[str | None] = [start, *inner, end]
    return [
        {"label": first or "first event", "first": first, "behind": behind, "as_of": as_of}
        for first, behind in pairwise(bounds)
    ]


def batches(
    folder: Path, part: dict[str, Any], orders_a_batch: int, ragged: Callable[[str, RowCounts], None]
) -> Iterator[bytes]:
    """The partition's rows as gzipped NDJSON, so many orders in each; the same files give the same bytes.

    Args:
        folder: of the dataset.
        part: one of `partitions`.
        orders_a_batch: most orders in one batch.
        ragged: is told of each file with rows of too few or too many columns, before the first batch: all its rows, and
            how many of them are such.

    Raises:
        DataUnusable: a file is not there, or does not end cleanly.
    """
    orders = [row for row in read(folder, "orders", ragged) if _is_in(row, part)]
    ids, buyers = {row["order_id"] for row in orders}, {row["customer_id"] for row in orders}
    items: dict[str, list[Row]] = {}
    for row in read(folder, "order_items", ragged):
        if row["order_id"] in ids:
            items.setdefault(row["order_id"], []).append(row)
    customers: dict[str, list[Row]] = {}
    for row in read(folder, "customers", ragged):
        if row["customer_id"] in buyers:
            customers.setdefault(row["customer_id"], []).append(row)
    sellers: dict[str, list[Row]] = {}
    for row in read(folder, "sellers", ragged):
        sellers.setdefault(row["seller_id"], []).append(row)
    for first in range(0, len(orders), orders_a_batch):
        batch = orders[first : first + orders_a_batch]
        own = [item for order in dict.fromkeys(row["order_id"] for row in batch) for item in items.get(order, [])]
        lines = [_line("orders", row) for row in batch]
        lines += [_line("order_items", row) for row in own]
        for buyer in dict.fromkeys(row["customer_id"] for row in batch):
            lines += [_line("customers", row) for row in customers.get(buyer, [])]
        for seller in dict.fromkeys(row["seller_id"] for row in own):
            lines += [_line("sellers", row) for row in sellers.get(seller, [])]
        yield gzip.compress("".join(lines).encode(), compresslevel=1, mtime=0)


def read(folder: Path, name: str, ragged: Callable[[str, RowCounts], None] | None = None) -> Iterator[Row]:
    """The whole rows of one file, plain or gzipped, in its order; columns are found by the header.

    Raises:
        DataUnusable: the file is not there, lacks a column, or does not end cleanly.
    """
    path = _file(folder, name)
    rows, odd = 0, 0
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="") as text
        ):
            table = csv.reader(text, strict=True)
            header = next(table, [])
            places = [(column, header.index(column)) for column in COLUMNS[name]]
            for fields in table:
                rows += bool(fields)
                if len(fields) == len(header):
                    yield {column: fields[place] for column, place in places}
                elif fields:
                    odd += 1
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise DataUnusable(f"{path.name}: {error}") from error
    if odd and ragged:
        ragged(name, (rows, odd))


def purchase_month(row: Row) -> str:
    """`YYYY-MM`, or `undated` where the purchase time is none."""
    text = row["order_purchase_timestamp"]
    return text[:7] if _is_time(text) else UNDATED


def _is_in(row: Row, part: dict[str, Any]) -> bool:
    month = purchase_month(row)
    if part["first"] is None:
        return month == UNDATED
    return month != UNDATED and str(part["first"]) <= f"{month}-01" < str(part["behind"])


def _is_time(text: str) -> bool:
    if not TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _line(file: str, row: Row) -> str:
    return json.dumps({"file": file, "row": row}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _file(folder: Path, name: str) -> Path:
    plain = folder / f"olist_{name}_dataset.csv"
    for path in (plain, plain.with_suffix(".csv.gz")):
        if path.is_file():
            return path
    raise DataUnusable(f"{plain.name} is not in the dataset's folder, nor is {plain.name}.gz")
