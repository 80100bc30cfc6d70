"""A flow for Prefect, one verb a task."""

from prefect import flow, task

import recsys

ingest, train, recommend = map(task, (recsys.ingest, recsys.train, recsys.recommend))


@flow
def lists(folder: str = "/srv/recsys") -> str:
    tables = ingest([f"{folder}/plays.csv"], out=f"{folder}/data/tables")
    bundle = train(tables.path, out=f"{folder}/data/bundles/main")
    return str(recommend(bundle.path, out=f"{folder}/data/out/recs").path)
