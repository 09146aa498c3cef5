"""Names of datasets and rules in a file beside Airflow's home: what forms propose without asking anybody at import.

    python -m eip_provider.catalogue

asks Ingest (connection `eip_ingest`) and writes the file; `dev/airflow up` does so before the DAGs are first parsed.
Run it where DAG files are parsed, whenever datasets or rules were added.

The file only ever proposes. Where it is missing, broken or older than Ingest's configuration, a form proposes less or
what is there no longer; which names there are stays Ingest's to say when a run is asked for.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import stat
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eip_provider.requests import NAME_PATTERN

VARIABLE = "EIP_CATALOGUE"
"""The environment's variable with the file's path, for an Airflow whose home cannot be written to."""

LARGEST = 1_000_000
"""Bytes beyond which a file is not one of ours; reading it would slow every parse down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Names, ascending: the same names make the same DAG, and an equal DAG is no new version to Airflow."""

    datasets: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def catalogue_path() -> Path:
    """Where the file is, or would be. The home is found as Airflow finds it."""
    return Path(os.environ.get(VARIABLE) or Path(os.environ.get("AIRFLOW_HOME") or "~/airflow") / "eip-catalogue.json")


def known() -> Catalogue:
    """What the file says; nothing where it is missing or not understood."""
    path = catalogue_path().expanduser()
    try:
        found = path.stat()
    except OSError:
        return Catalogue()
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
        return Catalogue()
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int, _size: int) -> Catalogue:
    """Reads the file once for each version of it: a DAG file asks for several Params."""
    try:
        said = json.loads(path.read_bytes())
        return Catalogue(datasets=_names(said["datasets"]), rules=_names(said["rules"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        words = f"{type(error).__name__}: {error}"
        logging.getLogger(__name__).warning("%s is not understood, forms propose nothing of it: %s", path, words)
        return Catalogue()


def _names(given: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON the file holds
    """A proposal that the Param itself would refuse is none."""
    return tuple(sorted({name for name in given if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name)}))


def write(catalogue: Catalogue) -> Path:
    """Replaces the file as a whole, so that a DAG file that is parsed meanwhile reads the old one or the new one."""
    path = catalogue_path().expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.write_text(json.dumps(asdict(catalogue), indent=2) + "\n")
    beside.replace(path)
    return path


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code is 1 where the file was left as it was."""
    from airflow.sdk.exceptions import AirflowException

    from eip_provider.hook import EipIngestHook

    parser = argparse.ArgumentParser(
        prog="python -m eip_provider.catalogue",
        description="Writes the names of Ingest's datasets and rules to the file that the DAGs' forms propose from.",
    )
    parser.add_argument(
        "--conn-id", default=EipIngestHook.default_conn_name, help="the connection to Ingest (default: %(default)s)"
    )
    parser.add_argument(
        "--patience", type=float, default=10.0, help="seconds to wait for Ingest (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    # Airflow looks connections up in its database only for its own programs, of which this is one.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    try:
        catalogue = EipIngestHook(given.conn_id, patience=given.patience).catalogue()
        path = write(catalogue)
    except (AirflowException, OSError) as error:
        sys.stderr.write(f"{catalogue_path()} is left as it was: {error}\n")
        return 1
    names = f"datasets {', '.join(catalogue.datasets)}; rules {', '.join(catalogue.rules)}"
    sys.stdout.write(f"{path}: {names}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
