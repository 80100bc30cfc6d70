"""A headless Chromium driven by its DevTools protocol over a websocket; nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--mute-audio"),
    *("--autoplay-policy=no-user-gesture-required", "--no-first-run", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"),
)


def find() -> str | None:
    """Where a Chromium is; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Socket:
    """A websocket client: text frames, masked as the protocol wants (RFC 6455)."""

    def __init__(self, url: str) -> None:
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.wire = socket.create_connection((name, int(port)), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.wire.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.stream = self.wire.makefile("rb")
        while self.stream.readline().strip():
            pass

    def send(self, text: str) -> None:
        """One text frame."""
        content, mask = text.encode(), os.urandom(4)
        size = len(content)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b""
        if size >= 126:
            head = bytes([0x81, 0xFE]) + struct.pack("!H", size) if size < 65536 else bytes([0x81, 0xFF])
            head += struct.pack("!Q", size) if size >= 65536 else b""
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(content))
        self.wire.sendall(head + mask + body)

    def receive(self) -> str:
        """The next message, its frames joined."""
        parts = []
        while True:
            first, second = self.stream.read(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(self.stream.read(2 if size == 126 else 8), "big")
            parts.append(self.stream.read(size))
            if first & 0x80:
                return b"".join(parts).decode()

    def close(self) -> None:
        """Hang up."""
        self.stream.close()
        self.wire.close()


class Browser:
    """One page of a browser of its own, which ends with the block.

    Attributes:
        requests: every address that the page asked for.
        errors: exceptions, and messages of the console that are errors.
    """

    def __init__(self, width: int = 1280, height: int = 900, *, dark: bool = False, phone: bool = False) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="browser-"))
        command = [str(find()), *FLAGS, f"--user-data-dir={self.home}", f"--window-size={width},{height}"]
        env = {**os.environ, "HOME": str(self.home)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([*command, "about:blank"], env=env, start_new_session=True, **quiet)
        self.number, self.requests, self.errors = 0, [], []
        self.socket = Socket(self._page(self._port()))
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.do(f"{domain}.enable")
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.do("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.home / "saved"))

    def _port(self) -> int:
        told, until = self.home / "DevToolsActivePort", time.monotonic() + 60
        while not (told.is_file() and told.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        return int(told.read_text().splitlines()[0])

    def _page(self, port: int) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=30) as answer:
            return next(one["webSocketDebuggerUrl"] for one in json.load(answer) if one["type"] == "page")

    def do(self, method: str, **params: Any) -> Any:
        """One call of the protocol and its result; what happens meanwhile is kept."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            told = json.loads(self.socket.receive())
            self._happened(told)
            if told.get("id") == self.number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return told["result"]

    def _happened(self, told: dict[str, Any]) -> None:
        what, params = told.get("method"), told.get("params", {})
        if what == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif what == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif what == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def js(self, code: str) -> Any:
        """The value of an expression on the page; promises are waited for."""
        answer = self.do("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", code))
        return answer["result"].get("value")

    def go(self, url: str) -> None:
        """Open an address, and wait until the page says that it is ready."""
        self.do("Page.navigate", url=url)
        self.until("document.documentElement.dataset.ready")

    def until(self, code: str, seconds: float = 15) -> Any:
        """Wait until an expression is true, and return it."""
        until = time.monotonic() + seconds
        while not (value := self.js(f"(() => {{ try {{ return {code} }} catch {{ return false }} }})()")):
            if time.monotonic() > until:
                raise AssertionError(f"never true: {code}; errors: {self.errors}")
            time.sleep(0.03)
        return value

    def click(self, selector: str) -> None:
        """A press of the mouse in the middle of an element."""
        spot = "(e => { e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
        where = self.js(
            f"{spot} return [b.x + b.width / 2, b.y + b.height / 2]; }})(document.querySelector({selector!r}))"
        )
        self.press(*where)

    def press(self, x: float, y: float) -> None:
        """A press of the mouse at a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.do("Input.insertText", text=text)

    def key(self, name: str, *, modifiers: int = 0, text: str = "") -> None:
        """One key down and up; ``modifiers``: 1 alt, 2 control, 8 shift."""
        codes = {"Enter": 13, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39, "Escape": 27}
        told = {"key": name, "windowsVirtualKeyCode": codes.get(name, ord(name[0].upper())), "modifiers": modifiers}
        text = text or ("\r" if name == "Enter" else "")
        self.do("Input.dispatchKeyEvent", type="keyDown", **told, **({"text": text} if text else {}))
        self.do("Input.dispatchKeyEvent", type="keyUp", **told)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        shot = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
