"""The public face: every name is there, documented, and loading it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import recsys

HEAVY = {"numpy", "pandas", "scipy", "numba", "faiss", "implicit", "polars", "pyarrow", "matplotlib", "torch"}


@pytest.mark.parametrize("name", recsys.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert len(getattr(recsys, name).__doc__) > 40


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="expected one of Catalogue"):
        recsys.recomend  # noqa: B018


def test_the_version_is_the_packages() -> None:
    assert recsys.__version__ == metadata.version("recsys")


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, recsys; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
