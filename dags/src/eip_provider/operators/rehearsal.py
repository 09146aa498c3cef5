"""Rehearses a window or revert run: what it would do, in figures, as a token, and as a note for whoever approves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eip_provider.inputs import approvable, most_rejected, stop_words, table_counts
from eip_provider.limits import LOST_REGIONS, REJECTED, RETRACTED, VANISHING
from eip_provider.operators.run import EipRunOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eip_provider.hook import EipIngestHook
    from eip_provider.runs import RunStatus

SHOWN = 5
"""How many names of one sort a note shows."""

GUARDS = (
    ("vanishing", "covered", "orders covered", VANISHING),
    ("retracted", "facts", "facts of the others", RETRACTED),
    ("lost_regions", "covered", "orders covered", LOST_REGIONS),
)
"""What the guards look at: the figure, what it is measured against, that in words, the default limit."""

NAMED = (
    "vanishing",
    "losing_regions",
    "losing_items",
    "losing_facts",
    "rejected_orders",
    "rejected_unnamed",
    "pushed_orders",
    "swallowed_orders",
    "swallowed_items",
)
"""What a report names one by one: what orders lose, then which are left as they are, and why."""


class EipRehearsalOperator(EipRunOperator):
    """A run with `dry_run`. It excludes nobody and writes nothing.

    Hands on `run`, `plan` (the token that binds a run to exactly this), `guard` (the figures that the guards look at),
    `counts`, `would_stop` (whether a run with the same limits would stop, None where Ingest does not say any more),
    `input_stop` (why it would not begin), `approvable` (whether a person can let it through), `rejected` (the
    `max_rejected` that lets this input through, None where it needs none) and `note` (Markdown).
    """

    ui_color = "#fff3d0"

    def finish(self, hook: EipIngestHook, status: RunStatus, space: str | None) -> dict[str, Any]:
        """The ledger's figures, and the report for as long as Ingest has it."""
        report = hook.rehearsal(status.run_id, space)
        note = note_of(status, report)
        self.log.info("rehearsal:\n%s", note)
        stop = (report or {}).get("input_stop")
        return {
            "run": status.run_id,
            "state": status.state,
            "plan": status.plan,
            "guard": dict(status.guard),
            "counts": dict(status.counts),
            "would_stop": None if report is None else stop is not None or report.get("guard") is not None,
            "input_stop": stop,
            "approvable": approvable(stop),
            "rejected": most_rejected(status.input, stop),
            "note": note,
        }


def note_of(status: RunStatus, report: Mapping[str, Any] | None) -> str:
    """A rehearsal in Markdown: what would stop it, figures beside their limits, then what the report names."""
    lines = [f"**Rehearsal {status.run_id}**, plan `{status.plan}`", *_stops(report or {}), "", "| | |", "|---|---:|"]
    lines += [f"| {name.replace('_', ' ')} | {count:,} |" for name, count in sorted(status.counts.items())]
    lines += _limits(status)
    if report is None:
        return "\n".join([*lines, "", "The report itself is gone: these are the ledger's figures."])
    routes = report.get("route_stats_daily") or {}
    lines += ["", "`route_stats_daily`: " + ", ".join(f"{name} {count:,}" for name, count in routes.items())]
    for name in NAMED:
        named = report.get(name) or {}
        if named.get("count"):
            shown = ", ".join(map(_code, named.get("names", [])[:SHOWN]))
            more = ", …" if named["count"] > SHOWN else ""
            lines.append(f"- {name.replace('_', ' ')}: {named['count']:,} ({shown}{more})")
    return "\n".join(lines)


def _stops(report: Mapping[str, Any]) -> list[str]:
    lines = []
    if stop := report.get("input_stop"):
        ends = "who approves lets these rows be left out" if approvable(stop) else "no approval lets it through"
        lines += ["", f"**This input would stop the run**; {ends}:", "", _code(stop_words(stop))]
    if stop := report.get("guard"):
        reasons = [name.replace("_", " ") for name, *_ in GUARDS if stop.get(name)]
        lines += ["", f"**A guard would stop this run**: {' and '.join(reasons)}."]
    return lines


def _limits(status: RunStatus) -> list[str]:
    rows = [
        (figure.replace("_", " "), status.guard[figure], f"{status.guard[whole]:,} {what}", limit, f"max_{figure}")
        for figure, whole, what, limit in GUARDS
        if figure in status.guard and whole in status.guard
    ]
    rows += [
        (f"rejected {table}", rejected, f"{whole:,} rows", REJECTED, "max_rejected")
        for table, whole, rejected in table_counts(status.input)
    ]
    if not rows:
        return []
    return ["", "| guard | | of | stops at |", "|---|---:|---:|---|"] + [
        f"| {name} | {count:,} | {whole} | {limit.words(status.limits.get(explicit))} |"
        for name, count, whole, limit, explicit in rows
    ]


def _code(text: str) -> str:
    """Text of the data as it is: none of it becomes Markdown."""
    return f"`{text.replace('`', chr(39))}`"
