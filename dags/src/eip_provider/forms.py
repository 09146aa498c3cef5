"""Params that several DAGs share, as forms with a schema, and how they are read.

Names of datasets and rules are patterns, with those that are known beside them (`catalogue`, a local file) as JSON
Schema's `examples`: Airflow's form shows them as a list to pick from and lets another name through. They are no `enum`,
because Airflow checks against the DAG as it was last parsed: it would refuse a name that Ingest has just been given,
and what it lets through Ingest would have to check all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param

from eip_provider.catalogue import known
from eip_provider.limits import LIMIT_PATTERN
from eip_provider.requests import DATE_PATTERN, LONGEST_REASON, NAME_PATTERN, SPACE_PATTERN, TIME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = Asset(name="fulfillment-events", uri="eip://main/fulfillment-events", group="eip")
"""The event log. Every DAG that has runs write to it updates it; `verify_views` is scheduled by it."""

POOL = "eip_ingest"
"""Tasks that start runs or push rows take a slot of it."""

DEFAULTS = {
    "owner": "fulfillment-data",
    "retries": 3,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}
"""Arguments of every task. A deferred task's time in the triggerer is not part of its execution_timeout."""


def dataset() -> Param:
    """Which data."""
    return Param(
        "olist",
        type="string",
        pattern=NAME_PATTERN,
        title="Dataset",
        description="A dataset's name in Ingest's configuration (`GET /v1/datasets` lists them).",
        examples=list(known().datasets) or ["olist"],
    )


def rules() -> Param:
    """Which conversion rules."""
    return Param(
        "default",
        type="string",
        pattern=NAME_PATTERN,
        title="Rules",
        description="A name of conversion rules in Ingest's configuration (`GET /v1/rules` lists them).",
        examples=list(known().rules) or ["default"],
    )


def space() -> Param:
    """Where to."""
    return Param(
        "main",
        type="string",
        pattern=SPACE_PATTERN,
        title="Space",
        description="The space that is written to; experiments have one of their own.",
    )


def optional_date(title: str, description: str) -> Param:
    """A date that may be left empty; a form shows it with a calendar."""
    return Param(
        None, type=["null", "string"], format="date", pattern=DATE_PATTERN, title=title, description=description
    )


def needed_date(title: str, description: str) -> Param:
    """A date without which nothing starts."""
    return Param(type="string", format="date", pattern=DATE_PATTERN, title=title, description=description)


def as_of() -> Param:
    """The instant that decides about overdue deliveries."""
    return Param(
        None,
        type=["null", "string"],
        pattern=TIME_PATTERN,
        title="As of",
        description="An undelivered order is delayed if it was overdue then; empty: the last instant in the data.",
        examples=["2018-10-17T17:30:18Z"],
    )


def mix() -> Param:
    """Whether to go on over facts of other rules or data."""
    return Param(
        False,  # noqa: FBT003 - Airflow's signature
        type="boolean",
        title="Mix",
        description="Write over what was made under other rules or of another dataset instead of refusing to.",
    )


def max_rejected() -> Param:
    """How many rejected rows a run is done without."""
    return _limit("Rejected rows", "So many rows of a table, or such a share, may be rejected", "5 %")


def max_lost_regions() -> Param:
    """How many orders may fall to an unknown region."""
    return _limit("Lost regions", "So many orders, or such a share, may fall from a known region to ZZ", "1 %")


def trust_damaged_files() -> Param:
    """Whether rows that may have swallowed others are taken at their word."""
    return Param(
        False,  # noqa: FBT003 - Airflow's signature
        type="boolean",
        title="Trust damaged files",
        description="Also take away orders and items that a damaged row of their file may have swallowed.",
    )


def _limit(title: str, description: str, percent: str) -> Param:
    return Param(
        None,
        type=["null", "string"],
        pattern=LIMIT_PATTERN,
        title=title,
        description=f"{description} (200, 5%); empty: more than {percent} and at least 10 stop the run. More than that "
        "needs Ingest's role approve.",
        examples=["200", "10%"],
    )


def reason() -> Param:
    """Why, for whoever reads the ledger or the receipt later."""
    return Param(
        None,
        type=["null", "string"],
        maxLength=LONGEST_REASON,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        title="Reason",
        description="Why, in one line: it stands in the run ledger and in the receipt for the incident's ticket.",
    )


def space_of(params: Mapping[str, Any]) -> str | None:
    """The space, None for main."""
    return None if params["space"] == "main" else str(params["space"])
