"""The look of the report: one style sheet, light and dark, no fonts or files from elsewhere."""

LIGHT = ("#0b6bcb", "#c2410c", "#0f766e", "#a21caf", "#6d28d9", "#8a6a00", "#b91c3c", "#3f7d1d", "#0e7490", "#7c4a21")
DARK = ("#6cb6ff", "#ff9e64", "#4fd1b5", "#f08be6", "#b7a1ff", "#e3c24a", "#ff8095", "#9ad26a", "#66d3ea", "#d6a273")
PLAIN = "var(--plain)"


def colour(index: int) -> str:
    """The CSS colour of the index-th model.

    >>> colour(0)
    'var(--m0)'
    """
    return f"var(--m{index % len(LIGHT)})"


def _variables(colours: tuple[str, ...]) -> str:
    return "".join(f"--m{i}:{c};" for i, c in enumerate(colours))


CSS = f"""
:root {{ color-scheme: light dark; --paper:#fbfaf8; --card:#ffffff; --ink:#1d2129; --soft:#5b6270; --rule:#e4e2dd;
  --grid:#eceae6; --zero:#9aa0aa; --accent:#0b6bcb; --wash:#eef5fd; --plain:#79808c; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper:#14161a; --card:#1b1e24; --ink:#e8e9ec; --soft:#a2a9b5;
  --rule:#30343d; --grid:#292d35; --zero:#6b7280; --accent:#6cb6ff; --wash:#1c2a3b; --plain:#9aa2af;
  {_variables(DARK)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin:0; background:var(--paper); color:var(--ink); font:16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 56px 24px 80px; }}
header p.kind {{ margin:0 0 10px; color:var(--soft); font-size:14px; letter-spacing:.02em; }}
h1 {{ font-size: clamp(24px, 3.4vw, 34px); line-height:1.25; font-weight:650; letter-spacing:-.015em; margin:0 0 14px;
  max-width: 30em; text-wrap: balance; }}
h1 em {{ font-style:normal; color:var(--accent); }}
header p.more {{ color:var(--soft); font-size:17px; max-width: 46em; margin:0 0 6px; }}
nav {{ margin-top:22px; display:flex; flex-wrap:wrap; gap:8px; }}
nav a {{ color:var(--ink); text-decoration:none; border:1px solid var(--rule); background:var(--card); padding:4px 13px;
  border-radius:99px; font-size:14px; }}
nav a:hover, nav a:focus-visible {{ border-color:var(--accent); color:var(--accent); }}
section {{ margin-top:56px; }}
h2 {{ font-size:23px; letter-spacing:-.01em; margin:0 0 4px; font-weight:650; }}
h3 {{ font-size:15.5px; margin:0 0 2px; font-weight:620; }}
section > p {{ color:var(--soft); margin:0 0 18px; max-width:52em; }}
.card, figure {{ background:var(--card); border:1px solid var(--rule); border-radius:12px; margin:0; }}
.card {{ overflow-x:auto; padding:6px 18px 10px; margin-bottom:18px; }}
figure {{ padding:16px 18px 10px; }}
figcaption p {{ color:var(--soft); font-size:13.5px; line-height:1.45; margin:0 0 10px; }}
.grid {{ display:grid; gap:18px; margin-bottom:18px;
  grid-template-columns:repeat(auto-fill, minmax(min(100%, 420px), 1fr)); }}
.grid.narrow {{ grid-template-columns:repeat(auto-fill, minmax(min(100%, 310px), 1fr)); }}
table {{ border-collapse:collapse; width:100%; font-size:14.5px; font-variant-numeric: tabular-nums; }}
caption {{ text-align:left; color:var(--soft); font-size:13.5px; padding:10px 0 6px; }}
th, td {{ padding:7px 10px; text-align:right; border-top:1px solid var(--rule); white-space:nowrap; }}
thead th {{ border-top:0; font-weight:550; color:var(--soft); font-size:13.5px; }}
th:first-child, td:first-child {{ text-align:left; padding-left:0; }}
tbody th {{ font-weight:550; }}
td small {{ display:block; color:var(--soft); font-size:11.5px; line-height:1.2; }}
td.best b {{ color:var(--accent); font-weight:680; }}
td b {{ font-weight:500; }}
tr.first {{ background:linear-gradient(var(--wash), var(--wash)) no-repeat; }}
.key {{ display:inline-block; width:10px; height:10px; border-radius:50%; margin-right:9px; }}
svg {{ display:block; width:100%; height:auto; }}
svg text {{ font-size:12px; fill:var(--soft); }}
svg .name {{ fill:var(--ink); font-weight:550; }}
svg .value {{ fill:var(--ink); font-variant-numeric: tabular-nums; }}
svg .axis {{ font-size:12.5px; }}
svg .grid {{ stroke:var(--grid); }}
svg .zero {{ stroke:var(--zero); }}
svg .bar {{ stroke-width:2.5; stroke-linecap:round; opacity:.75; }}
svg .curve {{ fill:none; stroke-width:2; stroke-linejoin:round; }}
svg .dot {{ stroke:var(--card); stroke-width:1.5; }}
.keys {{ display:flex; flex-wrap:wrap; gap:4px 20px; font-size:14px; }}
.card > h3 {{ padding:12px 0 4px; overflow-wrap:anywhere; }}
.picks {{ list-style:none; margin:0; padding:0; }}
.picks li {{ display:grid; grid-template-columns:minmax(0, 1fr) 92px; gap:14px; padding:9px 0;
  border-top:1px solid var(--rule); font-size:14.5px; line-height:1.4; }}
.picks b {{ font-weight:550; }}
.picks .by {{ color:var(--soft); margin-left:9px; }}
.picks small {{ display:block; color:var(--soft); font-size:12.5px; }}
.picks .from {{ text-align:right; padding-top:1px; }}
.flag {{ font:700 10px/1 system-ui, sans-serif; border:1px solid currentColor; border-radius:3px; padding:2px 4px;
  margin-left:8px; color:var(--soft); text-decoration:none; vertical-align:.15em; }}
.stack {{ display:flex; height:6px; margin-top:6px; border-radius:3px; overflow:hidden; }}
.stack .less {{ opacity:.35; }}
details {{ border-top:1px solid var(--rule); padding:12px 0; }}
summary {{ cursor:pointer; font-weight:550; }}
dl {{ display:grid; grid-template-columns:max-content 1fr; gap:5px 22px; font-size:14.5px; margin:12px 0 4px; }}
dt {{ color:var(--soft); }}
dd {{ margin:0; overflow-wrap:anywhere; }}
code {{ font:13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
@media (max-width:640px) {{ main {{ padding:32px 16px 56px; }} dl {{ grid-template-columns:1fr; gap:0; }}
  dd {{ margin-bottom:8px; }} }}
@media print {{ figure, .card {{ break-inside:avoid; }} section {{ margin-top:32px; }} }}
"""
