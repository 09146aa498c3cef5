"""Where Airflow finds the files of a dataset: the connection `eip_data` maps names to folders.

A name is looked up and never becomes part of a path. Extra of the connection: `{"datasets": {"olist": "/data/olist"}}`.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from eip_provider.errors import DataUnusable

DATA_CONN = "eip_data"


def dataset_folder(dataset: str, conn_id: str = DATA_CONN) -> Path | None:
    """The folder of a dataset, or None where this Airflow has none."""
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
    datasets = connection.extra_dejson.get("datasets")
    folder = datasets.get(dataset) if isinstance(datasets, dict) else None
    return Path(folder) if isinstance(folder, str) else None


def needed_folder(dataset: str, conn_id: str = DATA_CONN) -> Path:
    """The folder of a dataset.

    Raises:
        DataUnusable: this Airflow has none; Ingest may have it all the same (delivery by reference).
    """
    folder = dataset_folder(dataset, conn_id)
    if folder is None:
        raise DataUnusable(f"connection {conn_id!r} names no folder of dataset {dataset!r}")
    return folder
