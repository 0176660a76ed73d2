# SPDX-License-Identifier: Apache-2.0
"""Chromium, driven over a pipe by the DevTools protocol: a page is opened, asked, typed into, and photographed."""

import base64
import fcntl
import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

from .process import PATIENCE, wait_until

# What keeps a browser quiet, and lets it run as root in a container.
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-quic --disable-extensions --hide-scrollbars --remote-debugging-pipe
about:blank""".split()


class Failed(AssertionError):
    """What the browser says of a command or of a page's script."""


class Browser:
    """A Chromium with a profile of its own; `pages` are its tabs."""

    def __init__(self, folder):
        self.folder = Path(folder)
        to_read, self.to_write = _pipe()
        self.to_listen, to_answer = _pipe()
        profile = f"--user-data-dir={self.folder / 'profile'}"
        command = ["chromium", profile, *FLAGS]
        self.folder.mkdir(parents=True)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_answer}', "bash", *command],
                pass_fds=(to_read, to_answer),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(to_read)
        os.close(to_answer)
        self.numbers, self.answers, self.sessions = itertools.count(1), {}, {}
        self.lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with os.fdopen(self.to_listen, "rb") as pipe:
            text = b""
            while more := os.read(pipe.fileno(), 1 << 20):
                *messages, text = (text + more).split(b"\0")
                for message in map(json.loads, messages):
                    if "id" in message:
                        self.answers[message["id"]].put(message)
                    elif page := self.sessions.get(message.get("sessionId")):
                        page.happened(message["method"], message["params"])
        for waiting in list(self.answers.values()):
            waiting.put({"error": {"message": "the browser has ended"}})

    def command(self, method, session=None, **parameters):
        """Sends a command and returns its result."""
        number, waiting = next(self.numbers), queue.Queue()
        self.answers[number] = waiting
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        with self.lock:
            os.write(self.to_write, json.dumps(message).encode() + b"\0")
        answer = waiting.get(timeout=PATIENCE)
        del self.answers[number]
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address, width=1320, height=900):
        return Page(self, address, width, height)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to_write)
        shutil.rmtree(self.folder, ignore_errors=True)


def _pipe():
    """Its two ends, with numbers far from those that they get in Chromium."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Page:
    """A tab. `problems` are uncaught errors, errors in the console, and what the content security policy refused."""

    def __init__(self, browser, address, width, height):
        self.browser, self.problems, self.asked = browser, [], []
        self.target = browser.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.command("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.sessions[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")
        self.resize(width, height)
        self.command("Emulation.setLocaleOverride", locale="en-GB")
        self.command("Page.navigate", url=address)
        wait_until(lambda: self.run("document.readyState === 'complete' && location.href !== 'about:blank'"), 60, address)

    def happened(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])

    def command(self, method, **parameters):
        return self.browser.command(method, self.session, **parameters)

    def run(self, script):
        """The value of an expression in the page; a promise is waited for."""
        result = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed(result["exceptionDetails"].get("exception", {}).get("description", script))
        return result["result"].get("value")

    def text(self, selector):
        """What a person reads of the first element that fits."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def rows(self, selector):
        """The cells of a table's body, also of one that is folded away."""
        return self.run(
            f"[...document.querySelectorAll({json.dumps(selector + ' tbody tr')})]"
            ".map(line => [...line.cells].map(cell => cell.textContent))"
        )

    def key(self, name, text="", modifiers=0):
        """Presses a key and lets it go."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, " ": 32}.get(name, 0)
        common = {"key": name, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.command("Input.insertText", text=text)

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        """Light or dark."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path, whole=True):
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        more = {"clip": clip, "captureBeyondViewport": True} if whole else {}
        Path(path).write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png", **more)["data"]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.command("Target.closeTarget", targetId=self.target)

    def to_front(self):
        """Only one tab is seen at a time: the last that was opened or brought to the front."""
        self.command("Page.bringToFront")
