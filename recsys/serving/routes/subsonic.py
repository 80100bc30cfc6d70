"""The OpenSubsonic addresses for likeness, so that a Subsonic client or the plugin of a server can ask."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["subsonic"])
