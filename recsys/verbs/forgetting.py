"""A listener's id in, everything below the data folders without them and a proof out: forget."""

from __future__ import annotations

import secrets
import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recsys.errors import DataError, UnknownId
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress


def forget(
    user: Any,
    *,
    data: Pathlike | Sequence[Pathlike] = "data",
    out: Pathlike | None = None,
    pseudonyms: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """Take one listener out of tables, bundles, ledgers, lists, logs and other files, and write a proof.

    Every version of a bundle that holds the listener gets a successor without that row in the same place; scores of
    other listeners stay as they are. What models learned from everybody together stays until they are trained again on
    the tables, which no longer hold the listener. A run that was killed is done again and goes on.

    Args:
        user: the id.
        data: one folder or several; everything below them.
        out: the folder of proofs; default: ``forgotten`` in the first of ``data``. It also keeps the list of forgotten
            ids, as keyed digests, against which ``ingest`` and ``update`` hold old logs.
        pseudonyms: file of the key under which lists were given to others: those below ``data`` lose the listener too.
        settings, only_stale: nothing to say here.
        time: when, Unix seconds UTC; default: now.

    Returns:
        The proof's path and content; ``left`` names files that still hold the id and that this program did not write.

    Raises:
        DataError: a folder that is not there.
        UnknownId: nothing below the folders names this listener.

    >>> forget("ann", data="nowhere")
    Traceback (most recent call last):
    ...
    recsys.errors.DataError: no folder 'nowhere'; expected the folder that holds tables, bundles and lists
    """
    from recsys.forgetting import Forgotten, Proof, erase
    from recsys.forgetting.listed import FOLDER
    from recsys.forgetting.who import Who
    from recsys.pseudonyms import there

    folders = [Path(one) for one in ([data] if isinstance(data, str | Path) else data)]
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise DataError(f"no folder {str(missing[0])!r}; expected the folder that holds tables, bundles and lists")
    names = there(pseudonyms)
    who, proofs = Who(str(user)), folders[0] / FOLDER if out is None else Path(out)
    now = clock.time() if time is None else time
    before = Proof.of(proofs, who.id)
    proof = Proof.begin(proofs, who.id, salt=secrets.token_hex(16), time=now)
    if names is not None:
        erase(Who(names.one(user)), folders, proof, progress=progress)
    under = proof.left
    erase(who, folders, proof, progress=progress)
    proof.left = [*dict.fromkeys([*under, *proof.left])]
    known = before is not None or proof.changed or proof.left
    if known:
        Forgotten.read(proofs).add(who.id, proofs)
    if not proof.changed:
        if before is not None:
            return Made("forget", before.path, {**before.facts(), "left": proof.left}, unchanged=True)
        if not proof.left:
            raise UnknownId("user", user)
    proof.finished = now
    proof.save()
    return Made("forget", proof.path, {**proof.facts(), "headline": headline(proof)})


def headline(proof: Any) -> str:
    """What was removed, in a line."""
    counts = ", ".join(f"{count:,} {what}" for what, count in proof.removed().items() if count)
    places = f"{len(proof.changed)} place{'s' * (len(proof.changed) != 1)}"
    left = f"; still named in {', '.join(proof.left)}: look there yourself" if proof.left else ""
    return f"removed from {places}: {counts or 'nothing'}{left}"
