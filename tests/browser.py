"""A headless Chromium for tests, driven through a pipe by its DevTools protocol; nothing to install but the browser."""

import base64
import fcntl
import json
import os
import select
import shutil
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell")
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # the pages are our own, and containers lack what the sandbox needs
    "--no-first-run",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)
_PATIENCE = 60.0  # seconds for one answer, on a machine that may be busy
_KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "+": 187,
    "0": 48,
}


def find():
    """The browser named by FORETASTE_BROWSER, or the first one on PATH; None where there is none."""
    return os.environ.get("FORETASTE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A running browser; a context manager, at whose end it is gone."""

    def __init__(self, program, folder):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to 4; from high numbers neither hides the other.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_browser, from_browser)]
        self._log = Path(folder, "browser.log").open("w+")  # noqa: SIM115  closed in __exit__
        copies = [(ends[0], 3), (ends[1], 4), (self._log.fileno(), 1), (self._log.fileno(), 2)]
        self._process = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, *copy) for copy in copies],
        )
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        self._waiting, self._number, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError):  # it is gone already
            pass
        finally:
            os.close(self._out)  # which ends it, if the command has not
            os.close(self._in)
            os.waitpid(self._process, 0)
            self._log.close()

    def call(self, method, session=None, **parameters):
        """The answer to one command; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            self._raise_silent()
        while (answer := self.receive()).get("id") != self._number:
            pass
        if "error" in answer:
            message = f"{method}: {answer['error']['message']}"
            raise RuntimeError(message)
        return answer["result"]

    def receive(self):
        """The next message; an event is kept as well."""
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._in], [], [], max(0, until - time.monotonic()))
            piece = os.read(self._in, 1 << 20) if ready else b""
            if not piece:
                self._raise_silent()
            self._waiting += piece
        text, _, self._waiting = self._waiting.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def _raise_silent(self):
        self._log.seek(0)
        message = "the browser does not answer: " + self._log.read()[-2000:]
        raise RuntimeError(message)

    def open(self, path, *, width=1200, height=900, dark=False, before=""):
        """A file in a new tab of that size; `before` is a script that runs before any of its own."""
        return Tab(self, path, width, height, dark=dark, before=before)


class Tab:
    """One page in the browser."""

    def __init__(self, browser, path, width, height, *, dark, before):
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.call("Page.navigate", url=Path(path).absolute().as_uri())
        while not self._seen("Page.loadEventFired"):
            browser.receive()

    def call(self, method, **parameters):
        """The answer to one command."""
        return self._browser.call(method, self._session, **parameters)

    def _seen(self, method):
        events = [event for event in self._browser.events if event.get("sessionId") == self._session]
        return [event["params"] for event in events if event["method"] == method]

    @property
    def complaints(self):
        """What the page wrote to the console, and what went wrong in it."""
        found = [str(each["args"]) for each in self._seen("Runtime.consoleAPICalled")]
        found += [each["exceptionDetails"]["text"] for each in self._seen("Runtime.exceptionThrown")]
        return found + [each["entry"]["text"] for each in self._seen("Log.entryAdded")]

    @property
    def requests(self):
        """The addresses that were asked for, but for the file itself and what stands in it."""
        asked = [each["request"]["url"] for each in self._seen("Network.requestWillBeSent")]
        return [url for url in asked if not url.startswith("data:")][1:]

    def run(self, script):
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait_for(self, script):
        """Wait until an expression is true, such as one about something that moves."""
        until = time.monotonic() + _PATIENCE
        while not self.run(script):
            if time.monotonic() > until:
                message = f"this does not become true: {script}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def press(self, key):
        """Press a key as a person does."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key], **text)

    def type(self, text):
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def point(self, x, y, *, click=False):
        """Move the mouse there, and press it."""
        for kind in ("mouseMoved", *(("mousePressed", "mouseReleased") if click else ())):
            button = "none" if kind == "mouseMoved" else "left"
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=int(click))

    def touch(self, *steps):
        """Put fingers down, move them and lift them: for each step the places of all of them."""
        for number, places in enumerate(steps):
            fingers = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
            self.call("Input.dispatchTouchEvent", type="touchMove" if number else "touchStart", touchPoints=fingers)
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, path, *, whole=False):
        """What is to be seen, as a PNG file."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        Path(path).write_bytes(base64.b64decode(data))
