// A page on a narrow screen: nothing makes it scroll sideways, and what scrolls in its own box can be reached by keyboard.
const problems = [];
const short = (element) => element.cloneNode().outerHTML.slice(0, 90);
const page = document.querySelector('main') || document.body;

const scrolls = (element) => element.scrollWidth > element.clientWidth + 1
    && /auto|scroll/.test(getComputedStyle(element).overflowX);

/** What is around all of the text scrolls if any part of it is too wide and has no box of its own. */
for (let around = page; around; around = around.parentElement) {
    if (scrolls(around) || around.scrollWidth > window.innerWidth) {
        const isWide = (element) => element.getBoundingClientRect().right > window.innerWidth + 1;
        const wide = Array.from(page.querySelectorAll('*')).find(isWide);
        problems.push(`scrolls sideways: ${around.localName} is ${around.scrollWidth} pixels wide: ${wide && short(wide)}`);
        break;
    }
}

/** Chromium lets what scrolls take the focus, unless something in it does, or it is told otherwise. */
function isReached(element) {
    element.focus({ preventScroll: true });
    const inside = element.querySelectorAll('a[href], button, summary, [tabindex]');
    return document.activeElement === element
        || Array.from(inside).some((child) => child.tabIndex >= 0);
}

for (const box of Array.from(document.querySelectorAll('main *')).filter(scrolls)) {
    if (!isReached(box)) {
        problems.push(`scrolls, but not by keyboard: ${short(box)}`);
    }
}
return problems;
