"""Looks at the built book in a real browser, as a reader does: from disk, with a mouse, by keyboard, on a phone, on paper.

    /usr/bin/python3 tests/browser/check.py target/book

Wants chromium, chromium-driver and python3-selenium. Where they are missing it says so and passes, except in CI.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

try:
    import book
    import browser
    import page
except ImportError as error:
    absent = str(error)
else:
    absent = browser.missing()

# The whole book once more, to be printed. It is slow to play.
ALL_PAGES = "print.html"


def main():
    if absent:
        print(f"skipped: {absent}")
        return 1 if os.environ.get("CI") == "true" else 0
    if len(sys.argv) != 2 or not Path(sys.argv[1], "index.html").is_file():
        print(f"usage: {sys.argv[0]} BOOK, the folder of a built book", file=sys.stderr)
        return 2
    root = Path(sys.argv[1]).resolve()
    with browser.started() as chromium:
        pages, wrong = look_at(chromium, root)
    print(summary(pages, wrong))
    return 1 if wrong else 0


def look_at(chromium, root):
    """Checks everything, and prints what is wrong as soon as it is found."""
    pages, wrong = {}, 0
    for path, problem in problems(chromium, root, pages):
        print(f"{path.relative_to(root)}: {problem}", flush=True)
        wrong += 1
    return pages, wrong


def problems(chromium, root, pages):
    """Pairs of a page and what is wrong there. Fills `pages` with what is known of each."""
    for path in sorted(root.rglob("*.html")):
        yield from ((path, what) for what in problems_of_page(chromium, path, pages))
    yield from book.links(root, pages)
    yield from book.search(chromium, root)
    yield from book.contrast(chromium, once(pages))


def problems_of_page(chromium, path, pages):
    address = path.as_uri()
    pages[path] = page.on_screen(chromium, address)
    yield from pages[path]["problems"]
    interactive = (pages[path]["runs"] or pages[path]["questions"]) and path.name != ALL_PAGES
    if interactive:
        yield from page.used(chromium)
    yield from page.on_paper(chromium)
    yield from page.on_phone(chromium, address)
    if interactive:
        yield from page.without_scripts(chromium, address)


def once(pages):
    return {path: found for path, found in pages.items() if path.name != ALL_PAGES}


def summary(pages, wrong):
    counted = once(pages).values()
    runs = sum(found["runs"] for found in counted)
    questions = sum(found["questions"] for found in counted)
    return f"checked {len(pages)} pages, {runs} runs, {questions} questions: {wrong or 'nothing'} wrong"


if __name__ == "__main__":
    sys.exit(main())
