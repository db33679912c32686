"""What is asked of the book as a whole: links, contrast in every theme, search."""

from urllib.parse import unquote, urldefrag, urlsplit
from pathlib import Path

from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

THEMES = ["light", "rust", "coal", "navy", "ayu"]
RESULTS = "#mdbook-searchresults a"
WORD = "TIME_WAIT"
NOWHERE = "qzxjvkwq"
PATIENCE = 10


def links(root, pages):
    """Each link inside the book leads to a file of it, and to an id in that. `pages`: what structure.js found, by path."""
    for path, page in pages.items():
        for link in dict.fromkeys(page["links"]):
            address, fragment = urldefrag(link)
            if urlsplit(address).scheme != "file":
                continue
            target = Path(unquote(urlsplit(address).path))
            if not target.is_relative_to(root) or not target.is_file():
                yield path, f"a link leads nowhere: {link}"
            elif fragment and target in pages and unquote(fragment) not in pages[target]["ids"]:
                yield path, f"a link leads to no place in its page: {link}"


def sample(pages):
    """A few pages that hold everything any page holds, by their classes."""
    left = {kind for page in pages.values() for kind in page["classes"]}
    while left:
        path = max(pages, key=lambda path: len(left & set(pages[path]["classes"])))
        left -= set(pages[path]["classes"])
        yield path


def contrast(browser, pages):
    """Every text and stroke of some pages, in every theme, chosen as a reader chooses it. Says each thing once."""
    said = set()
    for path in sample(pages):
        browser.open(path.as_uri())
        for theme in THEMES:
            browser.driver.execute_script(f"document.getElementById('mdbook-theme-{theme}').click()")
            if not browser.ask(f"document.documentElement.classList.contains('{theme}')"):
                yield path, f"the theme {theme} cannot be chosen"
            browser.be_still()
            for what in browser.run("contrast"):
                kind = what.partition(")")[0]
                if (theme, kind) not in said:
                    yield path, f"{theme}: {what}"
                said.add((theme, kind))
        browser.driver.execute_script("localStorage.clear()")


def search(browser, root):
    """From disk: by an address, by typing, and for what is nowhere."""
    index = root / "index.html"
    yield from ((index, what) for what in by_address(browser, index))
    yield from ((index, what) for what in by_typing(browser, index))


def by_address(browser, index):
    wrong = browser.open(f"{index.as_uri()}?search={WORD}")
    if not (results := found(browser)):
        return [*wrong, f"search: nothing found for {WORD}"]
    results[0].click()
    WebDriverWait(browser.driver, PATIENCE).until(lambda _: browser.ask("document.readyState") == "complete")
    if WORD not in browser.ask("(document.querySelector('main') || document.body).textContent"):
        wrong.append(f"search: the first page found for {WORD} does not hold it: {browser.driver.current_url}")
    return wrong + browser.errors()


def by_typing(browser, index):
    wrong = browser.open(index.as_uri())
    browser.all("body")[0].send_keys("/")
    box = browser.all("#mdbook-searchbar")[0]
    box.send_keys(WORD)
    if not found(browser):
        wrong.append(f"search: nothing found for {WORD}, typed")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(NOWHERE)
    said = "No search results"
    if not waited(browser, lambda _: said in browser.ask("document.querySelector('#mdbook-searchresults-header').textContent")):
        wrong.append(f"search: it does not say {said} for {NOWHERE}")
    if browser.all(RESULTS):
        wrong.append(f"search: {NOWHERE} is found")
    return wrong + browser.errors()


def found(browser):
    """The results, when there are any; none if there are still none after a while."""
    return waited(browser, lambda _: browser.all(RESULTS)) or []


def waited(browser, condition):
    try:
        return WebDriverWait(browser.driver, PATIENCE, poll_frequency=0.05).until(condition)
    except TimeoutException:
        return None
