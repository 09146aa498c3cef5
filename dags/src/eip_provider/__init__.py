"""Airflow's side of Ingest: it says when, which range and how fast, and makes no event.

DAG files only wire; what they call lives in this installed package:

- `requests`, `runs`, `rows`, `keys`: plain values, without I/O and without Airflow;
- `http`, `hook`, `views`: the services over HTTP; `data`, `olist`: a dataset's CSV files;
- `operators`: a run, a rehearsal, pushed rows, the wait until views show, the proof; `triggers`: what waits for them;
- `links`: the run's pages; `forms`: Params that several DAGs share; `catalogue`: names that these propose;
- `errors`: what Airflow may retry.
"""
