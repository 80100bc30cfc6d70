"""Three tasks for Airflow, one verb each; a verb that is up to date returns at once."""

import pendulum
from airflow.decorators import dag, task

import recsys


@dag(schedule="30 3 * * *", start_date=pendulum.datetime(2026, 1, 1), catchup=False)
def lists():
    @task
    def ingest() -> str:
        return str(recsys.ingest(["/srv/recsys/plays.csv"], out="/srv/recsys/data/tables").path)

    @task
    def train(tables: str) -> str:
        return str(recsys.train(tables, out="/srv/recsys/data/bundles/main").path)

    @task
    def recommend(bundle: str) -> str:
        return str(recsys.recommend(bundle, out="/srv/recsys/data/out/recs").path)

    recommend(train(ingest()))


lists()
