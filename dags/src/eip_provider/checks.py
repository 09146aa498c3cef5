"""What Ingest finds when it reads a dataset and emits nothing: plain values of `POST /v1/datasets/{name}/check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """What a check found."""

    dataset: str
    error: str | None
    """Why the files cannot be read to their end."""
    stops: tuple[str, ...]
    """Why a run with them would not begin."""
    orders: int | None
    rows_rejected: int | None
    text: str
    """The whole report, for a person."""
    dataset_toml: str | None
    """A `dataset.toml` that would read them better."""

    @classmethod
    def from_json(cls, answer: Any) -> DataCheck:  # noqa: ANN401 - whatever JSON the other side sent
        """Reads an answer; unknown fields are ignored.

        Raises:
            ValueError: the answer is no check.
        """
        if not isinstance(answer, dict) or "error" not in answer or not isinstance(answer.get("stops"), list):
            raise ValueError(f"expected error and stops, got {str(answer)[:200]}")
        return cls(
            dataset=str(answer.get("dataset")),
            error=_text_or_none(answer["error"]),
            stops=tuple(str(stop) for stop in answer["stops"]),
            orders=_count_or_none(answer.get("orders")),
            rows_rejected=_count_or_none(answer.get("rows_rejected")),
            text=_text_or_none(answer.get("text")) or "the report has no text",
            dataset_toml=_text_or_none(answer.get("dataset_toml")),
        )

    def reason(self) -> str | None:
        """Why a run should not be started, in one line; None where nothing speaks against it."""
        if self.error:
            return f"dataset {self.dataset} cannot be read: {_one_line(self.error)}"
        if self.stops:
            return f"dataset {self.dataset}: {'; '.join(map(_one_line, self.stops))}"
        return None

    def summary(self) -> dict[str, Any]:
        """What the task hands on."""
        return {
            "dataset": self.dataset,
            "orders": self.orders,
            "rows_rejected": self.rows_rejected,
            "stops": list(self.stops),
        }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _text_or_none(value: Any) -> str | None:  # noqa: ANN401
    return value if isinstance(value, str) and value else None


def _count_or_none(value: Any) -> int | None:  # noqa: ANN401
    return value if isinstance(value, int) else None
