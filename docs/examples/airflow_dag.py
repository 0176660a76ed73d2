# SPDX-License-Identifier: Apache-2.0
"""Airflow runs Tidemark's jobs: one task each, for the day before. A day that Airflow missed is made up for by its own
catchup, and one that failed by its own retries."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

RUN = "tidemark-batch --config /etc/tidemark/tidemark.yaml run"
# The interval begins on the day before the run.
DAY = "--date {{ data_interval_start.in_timezone('Europe/London') | ds }}"

with DAG(
    dag_id="tidemark",
    schedule="0 2 * * *",
    start_date=datetime(2025, 1, 1),
    catchup=True,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "retry_exponential_backoff": True},
) as dag:
    nightly = BashOperator(task_id="nightly", bash_command=f"{RUN} nightly")
    finance = BashOperator(task_id="finance", bash_command=f"{RUN} finance {DAY}")
    daily_summary = BashOperator(task_id="daily_summary", bash_command=f"{RUN} daily_summary {DAY}")
    nightly >> [finance, daily_summary]
