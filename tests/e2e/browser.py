"""A headless Chromium, driven over its DevTools protocol through two pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40}


def find():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in one browser; what it logs and asks for is kept."""

    def __init__(self, folder, limit_s=120):
        to_read, self.to_write = os.pipe()
        self.to_take, to_answer = os.pipe()
        self.poll = select.poll()
        self.poll.register(self.to_take, select.POLLIN | select.POLLHUP)
        self.ended = time.monotonic() + limit_s
        self.rest, self.count, self.events = b"", 0, []

        def place():
            """The protocol reads from 3 and writes to 4."""
            for fd, at in ((to_read, 20), (to_answer, 21)):
                os.dup2(fd, at)
            for at, to in ((20, 3), (21, 4)):
                os.dup2(at, to, inheritable=True)
        self.process = subprocess.Popen(
            [find(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--no-proxy-server",
             "--hide-scrollbars", f"--user-data-dir={folder}/profile", "--remote-debugging-pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=place, close_fds=False)
        os.close(to_read)
        os.close(to_answer)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to_write)
        os.close(self.to_take)

    def take(self):
        while b"\0" not in self.rest:
            left = self.ended - time.monotonic()
            # poll, for descriptors of a long run of tests may be beyond what select takes
            assert left > 0 and self.poll.poll(left * 1000), "Chromium does not answer"
            piece = os.read(self.to_take, 1 << 20)
            assert piece, "Chromium has ended"
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        while True:
            answer = self.take()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.take())

    def open(self, path, width=1280, height=900):
        self.size(width, height)
        self.events = []
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired")

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def value(self, script):
        """What the script comes to, promises too."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_until(self, script):
        while not self.value(script):
            assert time.monotonic() < self.ended, script
            time.sleep(0.05)

    def middle(self, selector):
        self.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView("
                   "{block: 'center', behavior: 'instant'})")
        x, y = self.value(f"""new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {{
            const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            done([b.x + b.width / 2, b.y + b.height / 2]); }})))""")
        return {"x": x, "y": y}

    def click(self, selector):
        at = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def hover(self, selector):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **self.middle(selector))

    def key(self, name):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                      windowsVirtualKeyCode=KEYS[name])

    def type(self, text):
        self.call("Input.insertText", text=text)

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, path, height):
        width = self.value("innerWidth")
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})["data"]
        path.write_bytes(base64.b64decode(data))

    @property
    def logged(self):
        """Everything on the console, exceptions and what the policy refused among it."""
        return [event for event in self.events if event.get("method") in
                ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")]

    @property
    def asked(self):
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]
