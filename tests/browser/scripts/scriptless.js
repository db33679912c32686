// A page whose scripts were not allowed to run: all of each run is there, and no button that would do nothing.
const problems = [];
const short = (element) => element.textContent.replace(/\s+/g, ' ').trim().slice(0, 60);

const isHidden = (event) => !event.innerText.trim() || !event.checkVisibility({ visibilityProperty: true });
const hidden = Array.from(document.querySelectorAll('.event')).filter(isHidden);
if (hidden.length > 0) {
    problems.push(`without scripts: ${hidden.length} steps of runs are hidden: ${short(hidden[0])}`);
}
for (const button of document.querySelectorAll('.run button')) {
    problems.push(`without scripts: a run has a button ${short(button)}`);
}
return problems;
