"""What is asked of each page by itself: on a screen, on paper, on a phone, without scripts."""

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

from browser import PAPER, PHONE, SCREEN

# Pressed in this order while a run has the focus, and the step each leads to: of as many as there are, from the end if negative.
KEYS = [
    ("Home", Keys.HOME, 0),
    ("right arrow", Keys.ARROW_RIGHT, 1),
    ("left arrow", Keys.ARROW_LEFT, 0),
    ("End", Keys.END, -1),
]
CURRENT_STEP = "Array.from(arguments[0].children).findIndex(step => step.classList.contains('current'))"


def on_screen(browser, address):
    """Loads the page. Returns what scripts/structure.js found, and all problems."""
    wrong = browser.open(address)
    found = browser.run("structure")
    counts = {"runs": len(browser.all(".run")), "questions": len(browser.all("details.question"))}
    return found | counts | {"problems": wrong + found["problems"]}


def used(browser):
    """Plays and opens all that is on the page that is open."""
    return browser.run_to_its_end("stepper") + keys(browser) + questions(browser) + browser.errors()


def keys(browser):
    """mdBook turns the page with the keys that step a run."""
    wrong = []
    address = browser.driver.current_url
    for steps in browser.all(".run-events"):
        if browser.ask("arguments[0].tabIndex", steps) < 0:
            wrong.append("the Tab key does not lead to a run")
        for name, key, place in KEYS:
            try:
                steps.send_keys(key)
            except WebDriverException as error:
                return [*wrong, f"a run takes no keys: {error.msg}"]
            if browser.driver.current_url != address:
                browser.open(address)
                return [*wrong, f"{name} in a run turns the page"]
            expected = place % browser.ask("arguments[0].children.length", steps)
            if (current := browser.ask(CURRENT_STEP, steps)) != expected:
                wrong.append(f"{name} in a run leads to step {current}, not {expected}")
    return wrong


def questions(browser):
    """Each is closed at first, and opens by the Enter key."""
    wrong = []
    for question in browser.run("questions"):
        if not question["asked"] or not question["answered"]:
            wrong.append(f"a question without words, or without an answer: {question['asked']}")
        if question["shown"]:
            wrong.append(f"the answer is shown at first: {question['asked']}")
    for summary in browser.all("details.question > summary"):
        summary.send_keys(Keys.ENTER)
    for question in browser.run("questions"):
        if not question["shown"]:
            wrong.append(f"Enter does not show the answer: {question['asked']}")
    return wrong


def on_paper(browser):
    """Prints the page that is open: all of each run though it stands at its first step, all answers though closed."""
    browser.run("at_first")
    browser.look_at(PAPER, media="print")
    wrong = browser.run("paper")
    browser.look_at(SCREEN)
    return wrong


def on_phone(browser, address):
    browser.look_at(PHONE)
    wrong = browser.open(address) + browser.run("phone")
    browser.look_at(SCREEN)
    return wrong


def without_scripts(browser, address):
    """Whole transcripts, and answers that open."""
    browser.allow_scripts(False)
    wrong = browser.open(address) + browser.run("scriptless")
    wrong += [f"without scripts: {what}" for what in questions(browser)]
    browser.allow_scripts(True)
    return wrong
