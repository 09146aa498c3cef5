"""What can go wrong with a run, split by the one question Airflow asks: is another try of the task worth it?

A retried task sends the same Idempotency-Key, so it never starts a second run; it finds or resumes the first.
"""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class IngestUnavailable(AirflowException):
    """Ingest could not be reached, or answered that it is unwell, for longer than the hook's patience. Retried."""


class RunInterrupted(AirflowException):
    """The instance that owned the run is gone. Retried: the same key makes Ingest resume the run."""


class IngestRefused(AirflowFailException):
    """Ingest understood the request and said no, with its own words. Not retried: it would say no again."""


class RunEnded(AirflowFailException):
    """The run itself failed or was cancelled, with Ingest's own words. Not retried."""
