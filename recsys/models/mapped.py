"""Content to factors after the fact: the plain factorisation, and a map that places tracks without plays."""

from __future__ import annotations

from typing import Any, ClassVar

from recsys.models.hybrid import Hybrid


class Mapped(Hybrid):
    """iALS, and after the fact a map from content to its factors, for tracks without plays.

    Args:
        dimensions: most axes of content.
        factors, regularization, alpha, nu, weighting, iterations, cg_steps, threads: as of IALS.

    >>> Mapped().params()["factors"]
    128
    """

    name: ClassVar[str] = "mapped"
    moved: ClassVar[bool] = True
    grid: ClassVar[list[dict[str, Any]]] = []  # on played tracks it is iALS, whose grid is tried there

    def __init__(
        self,
        *,
        dimensions: int = 512,
        factors: int = 128,
        regularization: float = 0.3,
        alpha: float = 15.0,
        nu: float = 0.65,
        weighting: str = "log",
        iterations: int = 12,
        cg_steps: int = 2,
        threads: int = 0,
    ) -> None:
        super().__init__(
            prior=0.0,
            dimensions=dimensions,
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            nu=nu,
            weighting=weighting,
            iterations=iterations,
            cg_steps=cg_steps,
            threads=threads,
        )
