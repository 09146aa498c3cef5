"""Rehearses a window or revert run: what it would do, in figures, as a token, and as a note for whoever approves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eip_provider.operators.run import EipRunOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eip_provider.hook import EipIngestHook
    from eip_provider.runs import RunStatus

SHOWN = 5
"""How many names of one sort a note shows."""


class EipRehearsalOperator(EipRunOperator):
    """A run with `dry_run`. It excludes nobody and writes nothing.

    Hands on `run`, `plan` (the token that binds a run to exactly this), `guard` (the figures that the guards look at),
    `counts`, `would_stop` (whether a run with the same limits would stop, None where Ingest does not say any more) and
    `note` (Markdown).
    """

    ui_color = "#fff3d0"

    def finish(self, hook: EipIngestHook, status: RunStatus, space: str | None) -> dict[str, Any]:
        """The ledger's figures, and the report for as long as Ingest has it."""
        report = hook.rehearsal(status.run_id, space)
        note = note_of(status, report)
        self.log.info("rehearsal:\n%s", note)
        return {
            "run": status.run_id,
            "state": status.state,
            "plan": status.plan,
            "guard": dict(status.guard),
            "counts": dict(status.counts),
            "would_stop": None if report is None else report.get("guard") is not None,
            "note": note,
        }


def note_of(status: RunStatus, report: Mapping[str, Any] | None) -> str:
    """A rehearsal in Markdown: a table of the ledger's figures, then what the report names."""
    rows = [(name.replace("_", " "), count) for name, count in sorted(status.counts.items())]
    rows += [(f"guard: {name}", count) for name, count in sorted(status.guard.items())]
    lines = [f"**Rehearsal {status.run_id}**, plan `{status.plan}`", "", "| | |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in rows]
    if report is None:
        return "\n".join([*lines, "", "The report itself is gone: these are the ledger's figures."])
    if stop := report.get("guard"):
        reasons = [reason for reason in ("vanishing", "retracted") if stop.get(reason)]
        lines += ["", f"**A guard would stop this run**: {' and '.join(reasons)}."]
    routes = report.get("route_stats_daily") or {}
    lines += ["", "`route_stats_daily`: " + ", ".join(f"{name} {count:,}" for name, count in routes.items())]
    for name in ("vanishing", "rejected_orders", "rejected_unnamed", "pushed_orders"):
        named = report.get(name) or {}
        if named.get("count"):
            shown = ", ".join(f"`{order.replace('`', chr(39))}`" for order in named.get("names", [])[:SHOWN])
            more = ", …" if named["count"] > SHOWN else ""
            lines.append(f"- {name.replace('_', ' ')}: {named['count']:,} ({shown}{more})")
    return "\n".join(lines)
