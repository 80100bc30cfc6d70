"""A folder to write small inputs into, and one call to read them back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.settings import Ingest
from recsys.sources import Gathered, gather

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file under the test's folder: text as UTF-8, or bytes as they are."""

    def writer(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


def ingest(*plays: Any, share: float = 1.0, **rest: Any) -> Gathered:
    """Gather with settings as keywords: ``columns`` and ``skip_seconds`` go there, the rest are paths."""
    options = {key: rest.pop(key) for key in ("columns", "skip_seconds") if key in rest}
    return gather(plays, **rest, settings=Ingest(max_reject_share=share, **options))


def triples(part: Any) -> list[tuple[Any, Any, float]]:
    """(owner, track, weight) of a layer in its order."""
    return list(zip(part.users.at(part.user), part.tracks.at(part.track), part.weight.tolist(), strict=True))


def reasons(gathered: Any) -> list[tuple[int, str]]:
    """(line, reason) of all rejects."""
    return list(zip(gathered.rejects.line, gathered.rejects.reason, strict=True))
