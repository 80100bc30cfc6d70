"""Whether something on disk is what would be made again: compared by what it was made from, never by its date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsys import bundle, manifest
from recsys.errors import ArtefactError


def fingerprint(folder: Path) -> str:
    """A short hash of all that a finished folder's manifest lists.

    Raises:
        ArtefactError: no finished folder.
    """
    files = manifest.read(folder)["files"]
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]


def is_current(folder: Path, made_from: Mapping[str, Any], key: str = "made_from") -> bool:
    """Whether a finished folder is there and was made from exactly this."""
    try:
        held = manifest.read(folder).get(key)
    except ArtefactError:
        return False
    return bool(held == json.loads(json.dumps(made_from)))


def current_bundle(bundles: Path) -> Path | None:
    """The live bundle of a folder of bundles, if there is one."""
    try:
        return bundle.resolve(bundles)
    except ArtefactError:
        return None
