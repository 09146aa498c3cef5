"""What can go wrong with a run, split by the one question Airflow asks: is another try of the task worth it?

A retried task sends the same Idempotency-Key, so it never starts a second run; it finds or resumes the first.
"""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class ServiceUnavailable(AirflowException):
    """A service could not be reached, or answered that it is unwell, for longer than the patience. Retried."""


class RunInterrupted(AirflowException):
    """The instance that owned the run is gone. Retried: the same key makes Ingest resume the run."""


class RunExcluded(AirflowException):
    """Another window or revert run is under way and goes first. The operator waits for it, then asks again.

    Args:
        words: Ingest's own.
        winner: the run that goes first.
    """

    def __init__(self, words: str, winner: str) -> None:
        super().__init__(words)
        self.winner = winner


class RequestRefused(AirflowFailException):
    """A service understood the request and said no, with its own words. Not retried: it would say no again."""


class RunEnded(AirflowFailException):
    """The run itself failed or was cancelled, with Ingest's own words and figures. Not retried."""


class DataUnusable(AirflowFailException):
    """The files of a dataset are not there, do not end cleanly, or are not what anybody meant. Not retried."""


class RowsRejected(AirflowFailException):
    """Ingest rejected so many of the pushed rows that they cannot be meant. Not retried: the same rows are rejected."""


class ViewsDiffer(AirflowFailException):
    """`eip verify` found stored views that are not what the log says. Not retried: it would find them again."""
