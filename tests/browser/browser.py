"""A headless Chromium, and what the checks want of it: a screen, a phone or paper, with or without scripts."""

import contextlib
import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

SCRIPTS = Path(__file__).parent / "scripts"
FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync
""".split()

SCREEN = (1280, 900)
PHONE = (390, 844)
# An A4 page between its margins.
PAPER = (690, 980)

# print.html opens the dialog for printing, which nobody is here to close. And what plays, plays in a hundredth of the time.
BEFORE_EACH_PAGE = """
    window.print = () => {};
    const atItsPace = window.setInterval;
    window.setInterval = (action, pace) => atItsPace(action, pace / 100);
"""


def missing():
    """What there is to install first, or None."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


@contextlib.contextmanager
def started():
    """A browser with a profile of its own, gone at the end."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(shutil.which("chromedriver"))
        driver = webdriver.Chrome(service=service, options=options)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


def text_of(script):
    return (SCRIPTS / f"{script}.js").read_text(encoding="utf-8")


class Browser:
    """Selenium's driver, with the few more words that the checks speak in."""

    def __init__(self, driver):
        self.driver = driver
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(180)
        self._devtools("Page.addScriptToEvaluateOnNewDocument", source=BEFORE_EACH_PAGE)
        self.look_at(SCREEN)

    def _devtools(self, command, **arguments):
        self.driver.execute_cdp_cmd(command, arguments)

    def open(self, address):
        """Opens a page, and says what was wrong with loading it."""
        self.driver.get(address)
        return self.errors()

    def errors(self):
        """The errors on the console since it was last asked: missing files, exceptions."""
        log = self.driver.get_log("browser")
        return [f"console: {entry['message']}" for entry in log if entry["level"] == "SEVERE"]

    def look_at(self, size, media="screen"):
        """Shows the page at that size."""
        width, height = size
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=size == PHONE,
        )
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._devtools("Emulation.setEmulatedMedia", media=media, features=[still])
        self.be_still()

    def be_still(self):
        """mdBook lets its margins and colours slide, whatever is preferred."""
        self.driver.execute_script("document.getAnimations().forEach(animation => animation.finish())")

    def allow_scripts(self, allowed):
        """From the next page on."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=not allowed)

    def run(self, script):
        """What a file of the folder `scripts` returns."""
        return self.driver.execute_script(text_of(script))

    def run_to_its_end(self, script):
        """What a file of the folder `scripts` calls back with, in the end."""
        return self.driver.execute_async_script(text_of(script))

    def ask(self, expression, *arguments):
        """The value of a JavaScript expression."""
        return self.driver.execute_script(f"return {expression}", *arguments)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)
