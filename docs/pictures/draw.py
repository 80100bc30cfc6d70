"""The pictures of the concept pages, as SVG that follows the reader's colours: `python docs/pictures/draw.py`."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
STYLE = """<style>
text{font:14px system-ui,sans-serif;fill:#1c2b2d}.s{font-size:12px;fill:#5b6b6e}
.b{fill:#eef5f4;stroke:#2a8a80;stroke-width:1.5}
.l{stroke:#5b6b6e;stroke-width:1.5;fill:none}
.t{stroke:#2a8a80;stroke-width:3;fill:none}.c{stroke:#c4702b;stroke-width:3;fill:none}
.ft{fill:#2a8a80}.fc{fill:#c4702b}.fs{fill:#6a5aa8}
@media(prefers-color-scheme:dark){text{fill:#e6eeee}.s{fill:#a7b5b7}.b{fill:#17302e}.l{stroke:#a7b5b7}}
</style>"""


def picture(name: str, width: int, height: int, title: str, *parts: str) -> None:
    """One SVG with a title that screen readers say."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
    (HERE / name).write_text("\n".join([head, f"<title>{title}</title>", STYLE, *parts, "</svg>", ""]))


def box(x: float, y: float, text: str, below: str = "", width: float = 120) -> str:
    """A room with its name, and a line below it in small letters."""
    middle = x + width / 2
    rect = f'<rect class="b" x="{x}" y="{y}" width="{width}" height="40" rx="8"/>'
    words = f'<text x="{middle}" y="{y + 25}" text-anchor="middle">{text}</text>'
    return rect + words + f'<text class="s" x="{middle}" y="{y + 58}" text-anchor="middle">{below}</text>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """From one room to another."""
    return f'<path class="l" marker-end="url(#a)" d="M{x} {y}L{to_x} {to_y}"/>'


HEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4"'
    ' markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b6b6e"/></marker></defs>'
)


def flow() -> None:
    """What comes in, what is made of it, what goes out."""
    left = [box(10, y, name, below) for y, name, below in INS]
    right = [box(650, y, name, below, 140) for y, name, below in OUTS]
    middle = [
        box(170, 90, "tables", "ids, plays, tracks"),
        box(330, 90, "models", "each tried on hidden plays"),
        box(490, 90, "engine", "a folder, verified"),
    ]
    lines = [arrow(130, y + 20, 168, 110) for y, *_ in INS] + [arrow(290, 110, 328, 110), arrow(450, 110, 488, 110)]
    lines += [arrow(610, 110, 648, y + 20) for y, *_ in OUTS]
    picture(
        "flow.svg",
        800,
        245,
        "Logs, tables of tracks and sound become tables, models, an engine, and answers",
        HEAD,
        *left,
        *middle,
        *right,
        *lines,
    )


INS = ((10, "log", "who heard what"), (90, "tracks", "titles, tags"), (170, "sound", "files"))
OUTS = (
    (10, "lists", "with a reason each"),
    (90, "playlists", "that keep their rules"),
    (170, "answers", "tracks like this"),
)


def evidence(half: float = 8.0) -> None:
    """n / (n + half): what plays say, and what content says."""

    def curve(share: bool) -> str:
        points = ((n, n / (n + half)) for n in range(61))
        return "M" + "L".join(f"{60 + 9 * n:.0f} {210 - 180 * (w if share else 1 - w):.1f}" for n, w in points)

    axes = '<path class="l" d="M60 20V210H610"/>'
    below = '<text class="s" x="600" y="232" text-anchor="end">listeners of the track →</text>'
    ticks = "".join(f'<text class="s" x="{60 + 9 * n}" y="228" text-anchor="middle">{n}</text>' for n in (0, 8, 20, 40))
    share = '<text class="s" x="52" y="34" text-anchor="end">all</text>'
    nothing = '<text class="s" x="52" y="214" text-anchor="end">none</text>'
    names = (
        '<text x="470" y="45" class="s">what plays say</text><text x="470" y="178" class="s">what the track is</text>'
    )
    lines = f'<path class="t" d="{curve(True)}"/><path class="c" d="{curve(False)}"/>'
    picture(
        "evidence.svg",
        640,
        245,
        "The weight of plays rises with the number of listeners, that of content falls",
        axes,
        below,
        ticks,
        share,
        nothing,
        lines,
        names,
    )


def views() -> None:
    """Rows of blocks, and three queries that scale them."""
    blocks = (("ft", 60, 150, "listeners"), ("fc", 215, 110, "words, numbers"), ("fs", 330, 130, "sound"))
    rows = [
        f'<rect class="{c}" x="{x}" y="{40 + 16 * i}" width="{w}" height="12" rx="3" opacity=".75"/>'
        for i in range(6)
        for c, x, w, _ in blocks
    ]
    heads = [f'<text class="s" x="{x}" y="30">{name}</text>' for _, x, _, name in blocks]
    picture(
        "views.svg",
        760,
        262,
        "A query scales the blocks; the index does not change",
        *heads,
        *rows,
        LEFT,
        *(line for i, q in enumerate(QUERIES) for line in _query(170 + 30 * i, *q, blocks)),
    )


LEFT = '<text class="s" x="475" y="86">the index: a row per track</text>'
QUERIES = (("hybrid", (0.6, 0.6, 0.6)), ("taste 1", (1.0, 0.06, 0.06)), ("by sound", (0.06, 0.06, 1.0)))


def _query(y: float, name: str, scales: tuple[float, ...], blocks: tuple[tuple[str, int, int, str], ...]) -> list[str]:
    bars = [
        f'<rect class="{c}" x="{x}" y="{y}" width="{w}" height="14" rx="3" opacity="{s}"/>'
        for (c, x, w, _), s in zip(blocks, scales, strict=True)
    ]
    return [*bars, f'<text class="s" x="475" y="{y + 12}">a query, {name}</text>']


if __name__ == "__main__":
    flow()
    evidence()
    views()
