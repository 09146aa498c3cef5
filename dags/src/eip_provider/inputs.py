"""What the input of a run is like, in lines for a task's log: rejected rows by reason, what does not join, notes.

Nothing here does I/O or imports Airflow. The wire names are Ingest's (`input` of `GET /v1/runs/{id}`, `input_stop` of a
rehearsal); what an older Ingest does not say is left out.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eip_provider.limits import share

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LINES = 20
"""Lines about rejected rows in a log."""

MOST_REASONS = 10
"""Reasons that a log lists, so that there is a line for a row of each."""

UNMATCHED = {
    "orders_without_customer": "orders whose customer_id matches no customer",
    "items_without_seller": "items whose seller_id matches no seller",
    "items_without_order": "items whose order_id matches no order",
}
"""References that lead nowhere: each a count with samples."""

FOUND = {
    "orders_without_items": "orders without an item",
    "orders_of_unknown_region": "orders with an unknown region (ZZ)",
    "customers_without_order": "customers without an order",
    "sellers_without_item": "sellers without an item",
}
"""Plain counts."""


def input_lines(said: Mapping[str, Any], where: str) -> list[str]:
    """Everything about a run's input that an operator should see.

    Args:
        said: the run's `input`.
        where: where all rejected rows are, for those that are not shown.
    """
    lines = reject_lines(said, where)
    joins = _object(said, "joins")
    lines += [line for name, what in UNMATCHED.items() if (line := _unmatched(_object(joins, name), what))]
    lines += [f"found: {joins[name]:,} {what}" for name, what in FOUND.items() if _count(joins, name)]
    for table in ("orders", "items"):
        rows = _object(said, f"swallowing_{table}")
        if count := _count(rows, "count"):
            first = ", ".join(_place(place) for place in _objects(rows, "places")[:1])
            lines.append(f"damaged: {count:,} rows of the {table} may have swallowed others, the first at {first}")
    if row := _object(said, "as_of_row"):
        lines.append(
            f"asOf: {_time(row.get('time'))}, from {row.get('field')} of {row.get('order_id')} ({_place(row)})"
        )
    notes = said.get("notes")
    return lines + [f"note: {note}" for note in (notes if isinstance(notes, list) else [])]


def reject_lines(said: Mapping[str, Any], where: str) -> list[str]:
    """For each reason how many rows, and the first of them; at last how many more there are, and where."""
    counts = _objects(said, "rejects")
    if not counts:
        return []
    shown_reasons = counts[:MOST_REASONS]
    samples_each = (MOST_LINES - len(shown_reasons)) // len(shown_reasons)
    lines, shown = [], 0
    for count in shown_reasons:
        lines.append(f"rejected: {_count(count, 'rows'):,} rows of {count.get('file')}: {_spoken(count.get('reason'))}")
        samples = _objects(count, "samples")[:samples_each]
        lines += [f"  {reject_line(sample)}" for sample in samples]
        shown += len(samples)
    more = sum(_count(count, "rows") for count in counts) - shown
    if more > 0:
        others = f" ({len(counts) - len(shown_reasons)} more reasons)" if len(counts) > len(shown_reasons) else ""
        lines.append(f"and {more:,} more rejected rows{others}: {where}")
    return lines


def reject_line(reject: Mapping[str, Any]) -> str:
    """One row: `orders.csv line 7 to 9: order_approved_at "10/2/2017" not a time`."""
    words = [f"{_place(reject)}{f' to {last}' if (last := reject.get('last_line')) else ''}:"]
    if field := reject.get("field"):
        words.append(str(field))
    if (value := reject.get("value")) is not None:
        words.append(json.dumps(value, ensure_ascii=False))
    words.append(_spoken(reject.get("reason")))
    if because := _object(reject, "because_of"):
        words.append(f"({_place(because)})")
    return " ".join(words)


def stop_words(stop: Mapping[str, Any]) -> str:
    """Why a run would not begin with its input: the `input_stop` of a rehearsal, in one line."""
    kind = stop.get("stop")
    if kind == "rejected":
        rows, rejected = _count(stop, "rows"), _count(stop, "rejected")
        words = f"{rejected:,} of {rows:,} rows of the {stop.get('table')} ({share(rejected, rows)}) are rejected"
        samples = "; ".join(map(reject_line, _objects(stop, "samples")))
        return f"{words}: {samples}" if samples else words
    if kind == "no_orders":
        rows, sample = _count(stop, "rows"), _object(stop, "sample")
        words = f"none of the {rows:,} rows of the orders is accepted" if rows else "the orders have no row"
        return f"{words}: {reject_line(sample)}" if sample else words
    if kind == "as_of":
        row = _object(stop, "row")
        words = f"asOf would be {_time(row.get('time'))}, from {row.get('field')} of order {row.get('order_id')}"
        if (now := stop.get("now")) is not None:
            return f"{words} ({_place(row)}), which is after the wall clock ({_time(now)})"
        return f"{words} ({_place(row)}), which is far later than all other times ({_time(row.get('usual'))})"
    return f"the input stops it: {json.dumps(stop)}"


def approvable(stop: Mapping[str, Any] | None) -> bool:
    """Whether a person can let a run with this `input_stop` through: no order, or an asOf that is wrong, stays that."""
    return not stop or stop.get("stop") == "rejected"


def most_rejected(said: Mapping[str, Any], stop: Mapping[str, Any] | None) -> int | None:
    """The least `max_rejected` under which a run with this input begins; None where nothing has to be raised."""
    if not stop or stop.get("stop") != "rejected":
        return None
    return max([_count(stop, "rejected"), *(_count(table, "rejected") for table in _objects(said, "tables"))])


def table_counts(said: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Name, rows and rejected rows of each table of a run's `input` that has rejected ones."""
    tables = [(str(one.get("table")), _count(one, "rows"), _count(one, "rejected")) for one in _objects(said, "tables")]
    return [table for table in tables if table[2]]


def _unmatched(references: Mapping[str, Any], what: str) -> str | None:
    count, alike = _count(references, "count"), _count(references, "alike")
    if not count:
        return None
    line = f"unmatched: {count:,} {what}"
    if alike:
        line += f", {alike:,} by case or blanks alone"
    for sample in _objects(references, "samples")[:1]:
        line += f": {_place(sample)} has {json.dumps(sample.get('value'), ensure_ascii=False)}"
        if other := sample.get("alike"):
            line += f", there is {json.dumps(other, ensure_ascii=False)}"
    return line


def _place(row: Mapping[str, Any]) -> str:
    return f"{row.get('file')} line {row.get('line')}"


def _spoken(reason: Any) -> str:  # noqa: ANN401 - whatever JSON the other side sent
    return str(reason).replace("_", " ")


def _time(value: Any) -> str:  # noqa: ANN401
    """Seconds since the epoch, as Ingest keeps them, or what else was sent."""
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, int) else str(value)


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0


def _object(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _objects(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = said.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
