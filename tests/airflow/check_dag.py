# SPDX-License-Identifier: Apache-2.0
"""What Airflow makes of a folder with the DAG of docs/examples; tests/airflow/run starts it."""

import sys
import unittest

import pendulum
from airflow.models.dagbag import DagBag

RUN = "tidemark-batch --config /etc/tidemark/tidemark.yaml run"
FOLDER = sys.argv.pop()


class Dag(unittest.TestCase):
    def setUp(self):
        self.bag = DagBag(dag_folder=FOLDER, include_examples=False)

    def test_it_is_loaded_with_its_tasks_in_order(self):
        self.assertEqual(self.bag.import_errors, {})
        self.assertEqual(list(self.bag.dags), ["tidemark"])
        after = {task.task_id: sorted(task.upstream_task_ids) for task in self.bag.dags["tidemark"].tasks}
        self.assertEqual(after, {"nightly": [], "finance": ["nightly"], "daily_summary": ["nightly"]})

    def test_each_run_is_of_the_day_before_in_the_zone_of_the_file(self):
        """Over the night in which clocks go forward."""
        dag, told = self.bag.dags["tidemark"], {}
        for run in dag.iter_dagrun_infos_between(pendulum.datetime(2025, 3, 29), pendulum.datetime(2025, 4, 1)):
            context = {"data_interval_start": run.data_interval.start}
            told[str(run.run_after.date())] = [t.render_template(t.bash_command, context) for t in dag.tasks]
        wanted = {
            night: [f"{RUN} nightly", f"{RUN} finance --date {day}", f"{RUN} daily_summary --date {day}"]
            for night, day in (("2025-03-30", "2025-03-29"), ("2025-03-31", "2025-03-30"), ("2025-04-01", "2025-03-31"))
        }
        self.assertEqual(told, wanted)


if __name__ == "__main__":
    unittest.main()
