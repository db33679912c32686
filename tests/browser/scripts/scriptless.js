// A page whose scripts were not allowed to run: all of each run is there, and no button that would do nothing.
const problems = [];
const short = (element) => element.textContent.replace(/\s+/g, ' ').trim().slice(0, 60);

for (const event of document.querySelectorAll('.event')) {
    if (!event.innerText.trim() || !event.checkVisibility({ visibilityProperty: true })) {
        problems.push(`without scripts: a run lacks ${short(event)}`);
    }
}
for (const button of document.querySelectorAll('.run button')) {
    problems.push(`without scripts: a run has a button ${short(button)}`);
}
return problems;
