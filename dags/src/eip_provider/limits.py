"""How much a run may lose or reject before it stops: the defaults, explicit limits, and both in words.

The rules are Ingest's. An explicit limit is a count or a share, and more than it stops a run. A default is a pair: at
least so many, and more than a share. They judge the rows that Airflow pushes, which Ingest never stops, and stand in a
rehearsal's note beside the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT_PATTERN = r"^([0-9]{1,12}|(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%)$"
"""A count or a share, as a JSON Schema pattern: `200`, `5%`, `0.5%`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultLimit:
    """At least `count`, and more than `percent` of the whole, stop a run."""

    count: int
    percent: int

    def stops(self, part: int, whole: int, explicit: str | None = None) -> bool:
        """Whether so many of so many stop a run, under the explicit limit where there is one."""
        if not explicit:
            return part >= self.count and 100 * part > self.percent * whole
        if explicit.endswith("%"):
            return 100 * part > Decimal(explicit[:-1]) * whole
        return part > int(explicit)

    def words(self, explicit: str | None = None) -> str:
        """What stops a run, for a person."""
        return f"more than {explicit}" if explicit else f"more than {self.percent} % and at least {self.count}"


VANISHING = DefaultLimit(count=10, percent=1)
"""Orders that have facts and no row in the data, of the orders covered."""

RETRACTED = DefaultLimit(count=50, percent=5)
"""Facts that would be retracted, of those of the other covered orders."""

LOST_REGIONS = DefaultLimit(count=10, percent=1)
"""Orders that fall from a known region to `ZZ`, of the orders covered."""

REJECTED = DefaultLimit(count=10, percent=5)
"""Rejected rows of a table, of all its rows."""

RowCounts = tuple[int, int]
"""Rows of a table, and how many of them are rejected."""


def share(part: int, whole: int) -> str:
    """`12.0 %`."""
    permille = 1000 * part // max(whole, 1)
    return f"{permille // 10}.{permille % 10} %"


def too_many_rejected(tables: Mapping[str, Sequence[int]], explicit: str | None) -> str | None:
    """Why pushed rows are not what anybody meant: no order of them was accepted, or too many rows of a table were not.

    Args:
        tables: rows and rejected rows by table.
        explicit: `max_rejected`, or None for the default.
    """
    rows, rejected = tables.get("orders", (0, 0))
    if rows and rejected >= rows:
        return f"none of the {rows:,} rows of the orders is accepted"
    for table, (rows, rejected) in tables.items():
        if REJECTED.stops(rejected, rows, explicit):
            return (
                f"{rejected:,} of {rows:,} rows of the {table} ({share(rejected, rows)}) are rejected, and "
                f"{REJECTED.words(explicit)} are too many; if that is meant, run again with max_rejected {rejected}"
            )
    return None


def summed(counts: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, RowCounts]:
    """The counts of several requests or tasks together."""
    total: dict[str, RowCounts] = {}
    for tables in counts:
        for table, (rows, rejected) in tables.items():
            before = total.get(table, (0, 0))
            total[table] = (before[0] + rows, before[1] + rejected)
    return total
