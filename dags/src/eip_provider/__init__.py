"""Airflow's side of Ingest: a hook that starts a run over HTTP and follows it to its end.

DAG files only wire; what they call lives in this installed package. `runs` has the plain values (request, status,
idempotency key), `errors` says which failures Airflow may retry, `hook` talks HTTP. No module here makes an event.
"""
