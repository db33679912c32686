// A page on paper: everything is on it, however it was left on the screen.
const problems = [];
const short = (element) => element.textContent.replace(/\s+/g, ' ').trim().slice(0, 60);
const isShown = (element) => element.checkVisibility({ visibilityProperty: true });

for (const box of document.querySelectorAll('main *')) {
    const style = getComputedStyle(box);
    const right = box.getBoundingClientRect().right;
    if (isShown(box) && right > window.innerWidth + 1) {
        problems.push(`on paper: too wide: ${box.cloneNode().outerHTML.slice(0, 80)} ${short(box)}`);
    }
    const sideways = style.overflowX !== 'visible' && box.scrollWidth > box.clientWidth + 1;
    const down = style.overflowY !== 'visible' && box.scrollHeight > box.clientHeight + 1;
    if (isShown(box) && box.clientWidth > 1 && (sideways || down)) {
        problems.push(`on paper: cut off: ${box.cloneNode().outerHTML.slice(0, 80)} ${short(box)}`);
    }
}
function expectShown(selector, what) {
    const hidden = Array.from(document.querySelectorAll(selector)).filter((element) => !isShown(element));
    if (hidden.length > 0) {
        problems.push(`on paper: ${hidden.length} ${what} hidden: ${short(hidden[0])}`);
    }
}

expectShown('.event', 'steps of runs are');
expectShown('details.question > :not(summary)', 'parts of answers are');
return problems;
