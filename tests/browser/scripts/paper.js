// A page on paper: everything is on it, however it was left on the screen.
const problems = [];
const page = document.scrollingElement;
const short = (element) => element.textContent.replace(/\s+/g, ' ').trim().slice(0, 60);
const isShown = (element) => element.checkVisibility({ visibilityProperty: true });

if (page.scrollWidth > window.innerWidth) {
    problems.push(`on paper: wider than it by ${page.scrollWidth - window.innerWidth} pixels`);
}
for (const box of document.querySelectorAll('main *')) {
    const style = getComputedStyle(box);
    const sideways = style.overflowX !== 'visible' && box.scrollWidth > box.clientWidth + 1;
    const down = style.overflowY !== 'visible' && box.scrollHeight > box.clientHeight + 1;
    if (isShown(box) && box.clientWidth > 1 && (sideways || down)) {
        problems.push(`on paper: cut off: ${box.cloneNode().outerHTML.slice(0, 80)} ${short(box)}`);
    }
}
for (const event of document.querySelectorAll('.event')) {
    if (!isShown(event)) {
        problems.push(`on paper: a run lacks ${short(event)}`);
    }
}
for (const answer of document.querySelectorAll('details.question > :not(summary)')) {
    if (!isShown(answer)) {
        problems.push(`on paper: an answer is hidden: ${short(answer)}`);
    }
}
return problems;
