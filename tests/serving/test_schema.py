"""The description kept by the answers: whatever may be asked, nothing breaks and every answer is as described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recsys.engine import Engine

schemathesis = pytest.importorskip("schemathesis")
pytest.importorskip("fastapi")
DESCRIPTION = __import__("recsys.serving.app", fromlist=["description"]).description()
OPERATIONS = [(method.upper(), address) for address, some in DESCRIPTION["paths"].items() for method in some]
IDS = {"track_id": "track", "user_id": "user", "user": "user"}
IDS |= dict.fromkeys(("track", "from", "to", "id", "startSongId", "endSongId"), "track")
# a filter, a blend and a recipe are texts of which the type can't say all: they may be refused with 400 or 415
ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "415", "429"]
REFUSED = ["400", "401", "403", "404", "405", "406", "413", "414", "415", "422", "429", "431"]
CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ACCEPTED},
    "negative_data_rejection": {"expected-statuses": REFUSED},
}


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Engine:
    return Engine.open(bundle)


@pytest.mark.parametrize(("method", "address"), OPERATIONS)
@pytest.mark.filterwarnings("ignore")
def test_every_operation(ask: httpx.Client, engine: Engine, method: str, address: str) -> None:
    questions(ask, engine, method, address, 4)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "address"), OPERATIONS)
@pytest.mark.filterwarnings("ignore")
def test_every_operation_at_length(ask: httpx.Client, engine: Engine, method: str, address: str) -> None:
    questions(ask, engine, method, address, 100)


def questions(client: httpx.Client, engine: Engine, method: str, address: str, many: int) -> None:
    """Ask what the types allow and what they don't, half of it about tracks and listeners that there are."""
    config = schemathesis.Config.from_dict({"checks": CHECKS})
    operation = schemathesis.openapi.from_dict(DESCRIPTION, config=config)[address][method]
    modes = ["positive", *(["negative"] if operation.query or operation.body else [])]
    quiet = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
    for mode in modes:

        @settings(max_examples=many, phases=[Phase.generate], **quiet)
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)), data=st.data())
        def ask_it(case: Any, data: st.DataObject) -> None:
            if mode == "positive" and data.draw(st.booleans()):  # noqa: B023
                name_known(case, engine, data)
            case.call_and_validate(base_url=str(client.base_url), timeout=60)

        ask_it()


def name_known(case: Any, engine: Engine, data: st.DataObject) -> None:
    """Put ids that there are in the place of any."""
    known = {"track": engine.tracks.ids, "user": engine.users.ids}
    for part in (case.path_parameters, case.query):
        for name in set(part or ()) & set(IDS):
            part[name] = str(data.draw(st.sampled_from(known[IDS[name]].tolist())))
