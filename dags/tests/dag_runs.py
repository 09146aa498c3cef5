"""How tests run a DAG against scripted services, and what these answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scripted_ingest import Answer, run

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

LOGICAL_DATE = datetime(2018, 4, 1, tzinfo=UTC)
WINDOW = {"start_date": "2018-03-01", "end_date": "2018-04-01"}


def ran(dag: DAG, state: str, **conf: Any) -> Any:  # noqa: ANN401
    """Runs a DAG to its end, which is this state."""
    dag_run = dag.test(logical_date=LOGICAL_DATE, run_conf=conf)
    assert dag_run.state == state
    return dag_run


def ready(*offsets: int) -> Answer:
    """The API's views hold the log up to here."""
    return Answer(200, {"status": "ready", "progress": {"epoch": 1, "tick": 5, "offsets": list(offsets)}})


def finished(**more: Any) -> Answer:  # noqa: ANN401
    """A run that wrote something."""
    return Answer(200, run("committed", events=12) | {"end_offsets": [5, 7]} | more)


def write_dataset(folder: Path) -> None:
    """Two orders of two months, with all that belongs to them."""
    orders = "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at"
    orders += ",order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
    orders += "a,c,shipped,2018-01-02 00:00:00,,,,\nb,c,shipped,2018-02-03 00:00:00,,,,\n"
    (folder / "olist_orders_dataset.csv").write_text(orders)
    items = "order_id,order_item_id,seller_id\na,1,s\nb,1,s\n"
    (folder / "olist_order_items_dataset.csv").write_text(items)
    (folder / "olist_customers_dataset.csv").write_text("customer_id,customer_state\nc,SP\n")
    (folder / "olist_sellers_dataset.csv").write_text("seller_id,seller_state\ns,RJ\n")
