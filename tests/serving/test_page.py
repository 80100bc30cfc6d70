"""The listening page in a real browser: search, play, neighbours, slider, playlist, export; keys, phone, contrast."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys import api
from recsys.engine import Engine
from recsys.serving import page
from recsys.serving.guard import SAFE
from recsys.settings import Settings, parse
from tests.serving import browser
from tests.serving.browser import Browser

pytest.importorskip("fastapi", reason="the server's packages are not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the server's packages are not installed")
needs_browser = pytest.mark.skipif(browser.find() is None, reason="no Chromium here (Debian: apt install chromium)")
IDS = "[...document.querySelectorAll('#neighbours li')].map(e => e.dataset.id).join()"
LIST = "[...document.querySelectorAll('#rows li')].map(e => e.dataset.id)"


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> tuple[Path, Path]:
    """A bundle whose tracks can be heard, and the folder of their sound."""
    pytest.importorskip("soxr", reason="the packages that read sound are not installed")
    pytest.importorskip("av", reason="the packages that read sound are not installed")
    from recsys.sources.sample import write_world

    root = tmp_path_factory.mktemp("page")
    raw = root / "raw"
    write_world(raw, tracks=32, listeners=30, audio=True)
    api.analyze([raw / "audio"], out=root / "features", workers=1, windows=1)
    given = {"tracks": [raw / "tracks.csv"], "features": root / "features"}
    api.ingest([raw / "plays.csv"], out=root / "tables", **given)
    small = parse({"models": {"ials": {"factors": 16, "iterations": 4}}, "train": {"next_track": False}})
    api.train(root / "tables", out=root / "bundles", model="ials", settings=small)
    return root / "bundles", raw / "audio"


def serve(bundle: Path, audio: Path, key: str | None = None) -> Iterator[str]:
    """The API and its page at an address of their own."""
    from recsys.serving.app import create_app
    from recsys.serving.options import Options

    app = create_app(bundle, Options(library=(audio,), key=key), wait=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def address(music: tuple[Path, Path]) -> Iterator[str]:
    yield from serve(*music)


@pytest.fixture(scope="module")
def desktop(address: str) -> Iterator[Browser]:
    with Browser(1280, 900) as one:
        yield one


@pytest.fixture
def at(desktop: Browser, address: str) -> Browser:
    """A page that nobody has touched."""
    desktop.do("Page.navigate", url="about:blank")
    desktop.errors.clear()
    desktop.requests.clear()
    desktop.go(address + "/")
    desktop.js("localStorage.clear()")
    desktop.go(address + "/?fresh")
    return desktop


@needs_browser
def test_search_play_neighbours_slider_playlist_export(at: Browser, address: str, music: tuple[Path, Path]) -> None:
    catalogue = Engine.open(music[0]).catalogue
    title = next(name for name in catalogue.values("title") if isinstance(name, str))
    at.click("#q")
    at.type(title)
    at.until("document.querySelectorAll('#found [role=option]').length")
    at.key("ArrowDown")
    at.key("Enter")
    at.until(f"document.querySelector('h1').textContent.startsWith({json.dumps(title)})")
    at.until("document.querySelectorAll('.trait').length > 2")
    at.click("#hear")
    at.until("!document.querySelector('#audio').paused && document.querySelector('#audio').currentTime > 0")
    assert at.js("document.querySelector('#hear').getAttribute('aria-label')").startswith("Pause")
    before = at.until(IDS)
    assert at.js("document.querySelector('#neighbours .why').textContent")
    at.js("(s => { s.value = 0; s.dispatchEvent(new Event('input')) })(document.querySelector('#taste'))")
    at.until(f"({IDS}) !== {json.dumps(before)}")
    assert at.js("document.querySelector('#taste').getAttribute('aria-valuetext')") == "only its sound"
    for place in (0, 2, 4):
        at.js(f"document.querySelectorAll('#neighbours [data-keep]')[{place}].click()")
    wanted = at.js(LIST)
    assert len(wanted) == 3
    at.until("document.querySelectorAll('#curve svg').length === 2")
    at.js("document.querySelector('#rows [data-down]').click()")
    wanted[0], wanted[1] = wanted[1], wanted[0]
    assert at.js(LIST) == wanted
    at.js("document.querySelectorAll('#rows [data-remove]')[2].click()")
    for format, start in (("m3u8", "#EXTM3U"), ("xspf", "<?xml"), ("jspf", "{")):
        at.js(f"document.querySelector('#format').value = {format!r}")
        at.click("#out .main")
        assert saved(at, f"Playlist.{format}").startswith(start)
    at.go(address + "/?again")
    assert at.js(LIST) == wanted[:2]
    assert at.errors == []
    assert {url.split("/")[2] for url in at.requests if url.startswith("http")} == {address.split("/")[2]}


def saved(at: Browser, name: str) -> str:
    path, until = at.home / "saved" / name, time.monotonic() + 10
    while not path.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    return path.read_text()


@needs_browser
def test_usable_within_a_second(at: Browser, address: str) -> None:
    took = []
    for i in range(3):
        at.go(
            f"{address}/?{i}#" + at.js("document.querySelector('.starts a')?.hash.slice(1) || location.hash.slice(1)")
        )
        took.append(int(at.js("document.documentElement.dataset.ready")))
    assert min(took) < 1000


@needs_browser
def test_by_keys_alone(at: Browser) -> None:
    at.key("Tab")
    assert at.js("document.activeElement.className") == "skip"
    at.key("/", text="/")
    assert at.js("document.activeElement.id") == "q"
    at.key("Escape")
    at.until("document.querySelector('#map-note').textContent")
    at.js("document.querySelector('#sheet').focus()")
    first = at.until("document.querySelector('#said').textContent")
    at.key("ArrowRight")
    second = at.until(
        f"document.querySelector('#said').textContent !== {json.dumps(first)}"
        " && document.querySelector('#said').textContent"
    )
    at.key("a", text="a")
    at.until("document.querySelectorAll('#rows li').length === 1")
    at.key("Enter")
    at.until(f"document.title.startsWith({json.dumps(second)})")
    at.until("document.querySelectorAll('#neighbours [data-keep]').length > 3")
    at.js("document.querySelectorAll('#neighbours [data-keep]')[1].click()")
    order = at.js(LIST)
    at.js("document.querySelector('#rows [data-remove]').focus()")
    at.key("ArrowDown", modifiers=1)
    assert at.js(LIST) == order[::-1]
    assert "is now number 2" in at.js("document.querySelector('#said').textContent")
    at.key("Enter")
    at.until("document.querySelectorAll('#rows li').length")
    assert at.errors == []


@needs_browser
def test_everything_has_a_name_and_a_role(at: Browser) -> None:
    at.js("document.querySelector('.starts a').click()")
    at.until("document.querySelectorAll('#neighbours [data-keep]').length > 3")
    at.js("document.querySelectorAll('#neighbours [data-keep]')[1].click()")
    nodes = [node for node in at.do("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    kinds = {"button", "link", "slider", "combobox", "textbox", "searchbox", "img", "meter", "application", "Canvas"}
    nameless = [n["role"]["value"] for n in nodes if n["role"]["value"] in kinds and not n.get("name", {}).get("value")]
    assert nameless == []
    roles = {node["role"]["value"] for node in nodes}
    assert {"banner", "main", "search", "region", "navigation", "status"} - roles <= {"navigation"}
    assert at.js("document.querySelectorAll('h1').length") == 1
    doubled = "(i => i.filter((x, n) => i.indexOf(x) !== n))([...document.querySelectorAll('[id]')].map(e => e.id))"
    assert at.js(doubled) == []


@needs_browser
def test_the_map_is_wandered_by_wheel_and_press(at: Browser) -> None:
    at.until("document.querySelector('#map-note').textContent")
    at.js("document.querySelector('#map').scrollIntoView()")
    box = at.js("(b => [b.x, b.y, b.width, b.height])(document.querySelector('#sheet').getBoundingClientRect())")
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    for step in range(60):  # wander until a track lies under the pointer
        here = x + 3 * step * (-1) ** step, y + 2 * step * (-1) ** (step // 2)
        at.do("Input.dispatchMouseEvent", type="mouseMoved", x=here[0], y=here[1])
        if not at.js("new Promise(f => requestAnimationFrame(() => f(document.querySelector('#map-name').hidden)))"):
            break
    name = at.js("document.querySelector('#map-name').textContent")
    at.press(*here)
    at.until(f"document.title.startsWith({json.dumps(name)})")
    before = at.js("document.querySelector('#sheet').toDataURL().length")
    at.do("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-400)
    at.until(f"document.querySelector('#sheet').toDataURL().length !== {before}")


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(address: str, dark: bool, tmp_path: Path) -> None:
    with Browser(360, 740, phone=True, dark=dark) as phone:
        phone.go(address + "/")
        phone.js("document.querySelector('.starts a').click()")
        phone.until("document.querySelectorAll('#neighbours [data-keep]').length > 3")
        phone.js("document.querySelectorAll('#neighbours [data-keep]')[1].click()")
        assert phone.js("document.documentElement.scrollWidth") <= 360
        small = "[...document.querySelectorAll('main button:not([hidden])')].filter(e => e.offsetParent && "
        assert phone.js(f"{small} Math.min(e.offsetWidth, e.offsetHeight) < 30).map(e => e.ariaLabel)") == []
        assert phone.js(CONTRAST) == []
        assert phone.js("getComputedStyle(document.body).backgroundColor") == (
            "rgb(22, 21, 19)" if dark else "rgb(246, 244, 238)"
        )
        assert phone.errors == []


CONTRAST = """(() => {
  const lin = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const rgba = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => .2126 * lin(c[0]) + .7152 * lin(c[1]) + .0722 * lin(c[2]);
  const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c[3] > .85) return c; } return [255, 255, 255, 1]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.offsetParent || e.closest('.hidden, :disabled, noscript, dialog')) continue;
    const a = light(rgba(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${e.tagName} ${e.className} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return poor;
})()"""


@needs_browser
def test_a_title_is_never_markup(at: Browser, address: str) -> None:
    evil = [{"id": "t001", "title": "<img src=x onerror=alert(1)>", "artist": "<b>x</b>", "duration": 9}]
    at.js(f"localStorage.setItem('recsys.playlist', {json.dumps(json.dumps(evil))})")
    at.go(address + "/?evil")
    assert "<img src=x" in at.js("document.querySelector('#rows .name').textContent")
    assert at.js("document.querySelectorAll('#rows img, #rows b').length") == 0
    blocked = "(() => { const s = document.createElement('script'); s.textContent = 'window.bad = 1';"
    at.js(f"{blocked} document.body.append(s); }})()")
    assert at.js("window.bad === undefined")


@needs_browser
def test_what_is_not_there_is_one_line(at: Browser, address: str) -> None:
    at.go(address + "/?none#no-such-track")
    assert "unknown track 'no-such-track'" in at.until("document.querySelector('#trouble').textContent")
    assert at.js("document.querySelectorAll('.starts a').length") > 0


@needs_browser
def test_without_sound_and_without_vectors(tables: Path, tmp_path: Path) -> None:
    """A log alone has no map, no sound and no neighbours; the page says so and goes on."""
    api.train(tables, out=tmp_path / "bundles", model="popularity")
    for address in serve(tmp_path / "bundles", tmp_path):
        with Browser() as one:
            one.go(address + "/")
            one.js("document.querySelector('.starts a').click()")
            one.until("document.querySelectorAll('#neighbours li').length")
            assert one.js("!document.querySelector('#hear')")
            one.js("document.querySelector('#keep').click()")
            assert one.js("document.querySelectorAll('#rows li').length") == 1


@needs_browser
def test_a_server_with_a_key(music: tuple[Path, Path]) -> None:
    for address in serve(*music, key="open sesame"):
        with Browser() as one:
            one.do("Page.navigate", url=address + "/")
            one.until("document.querySelector('#locked').open")
            one.js("document.querySelector('#key').focus()")
            one.type("open sesame")
            one.key("Enter")
            one.until("document.querySelectorAll('.starts a').length")


def test_nothing_in_the_page_is_from_elsewhere() -> None:
    for name, (content, _, _) in page.assets().items():
        links = re.findall(r"https?://[^\s\"'`<>)]+", content.decode())
        assert [link for link in links if not link.startswith("http://www.w3.org/")] == [], name
    assert b"default-src 'self'" in dict(SAFE)[b"content-security-policy"]


def test_all_modules_are_announced() -> None:
    files = page.assets()
    named = set(re.findall(r'"/page/([^"]+)"', files["index.html"][0].decode()))
    assert named == set(files) - {"index.html"}
    code = "".join(content.decode() for name, (content, _, _) in files.items() if name.endswith(".js"))
    assert "innerHTML" not in code
    for one in re.findall(r'from "\./([a-z]+\.js)"', code):
        assert f"js/{one}" in files


def test_the_page_answers_with_headers_and_304() -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=page.routes()))) as client:
            first = await client.get("http://page/")
            assert first.headers["content-type"] == "text/html; charset=utf-8"
            assert (
                await client.get("http://page/", headers={"If-None-Match": first.headers["etag"]})
            ).status_code == 304
            script = await client.get("http://page/page/js/main.js")
            assert script.headers["content-type"].startswith("text/javascript")
            for path in ("../../__init__.py", "__init__.py", "js/", "%2e%2e/app.py", "js/%2e%2e/__init__.py"):
                assert (await client.get(f"http://page/page/{path}")).status_code == 404

    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    from starlette.applications import Starlette

    asyncio.run(ask())
