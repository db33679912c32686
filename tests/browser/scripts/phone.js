// A page on a narrow screen: nothing makes it scroll sideways, and what scrolls in its own box can be reached by keyboard.
const problems = [];
const short = (element) => element.cloneNode().outerHTML.slice(0, 90);
const page = document.scrollingElement;

if (page.scrollWidth > window.innerWidth) {
    const wide = Array.from(document.querySelectorAll('main *'))
        .find((element) => element.getBoundingClientRect().right > window.innerWidth + 1);
    problems.push(`scrolls sideways: ${page.scrollWidth} > ${window.innerWidth} pixels: ${wide && short(wide)}`);
}

const scrolls = (element) => element.scrollWidth > element.clientWidth + 1
    && /auto|scroll/.test(getComputedStyle(element).overflowX);

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
