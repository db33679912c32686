// What a page is made of: what is wrong with it by itself, and its ids, links and classes.
const problems = [];
const inFrame = document.body.classList.contains('sidebar-iframe-inner');
const all = (selector) => Array.from(document.querySelectorAll(selector));
const short = (element) => element.outerHTML.replace(/\s+/g, ' ').slice(0, 90);

/** What a screen reader says an element is. */
function name(element) {
    const labels = (element.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean);
    return [
        ...labels.map((id) => document.getElementById(id)?.textContent),
        element.getAttribute('aria-label'),
        element.getAttribute('alt'),
        element.getAttribute('title'),
        element.getAttribute('placeholder'),
        element.querySelector(':scope > title')?.textContent,
    ].filter(Boolean).join(' ').trim();
}

function checkLanguageAndTitle() {
    if (!document.documentElement.lang) {
        problems.push('the page has no lang');
    }
    // The table of contents of a page without scripts is shown in a frame of that page, under its title.
    if (!inFrame && !document.title.trim()) {
        problems.push('the page has no title');
    }
}

function checkHeadings() {
    let before = 0;
    for (const heading of all('main :is(h1, h2, h3, h4, h5, h6)')) {
        const level = Number(heading.localName[1]);
        if (level > before + 1) {
            problems.push(`heading level ${level} after ${before}: ${heading.textContent.trim()}`);
        }
        before = level;
    }
    if (!inFrame && before === 0) {
        problems.push('the page has no heading');
    }
}

function checkAlternatives() {
    for (const image of all('main :is(img, svg)')) {
        const hidden = image.closest('[aria-hidden="true"], button, a, .fa-svg');
        const isImage = image.localName === 'img' || image.getAttribute('role') === 'img';
        if (!hidden && !(isImage && name(image))) {
            problems.push(`a picture without text alternative: ${short(image)}`);
        }
    }
    for (const control of all('button, a[href], input:not(.hidden), summary')) {
        if (!control.textContent.trim() && !name(control)) {
            problems.push(`a control without a name: ${short(control)}`);
        }
    }
}

const ids = all('[id]').map((element) => element.id);

function checkIds() {
    const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
    for (const id of new Set(twice)) {
        problems.push(`the id ${id} is there more than once`);
    }
    for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
        for (const element of all(`main [${attribute}]`)) {
            for (const id of element.getAttribute(attribute).split(/\s+/)) {
                if (!document.getElementById(id)) {
                    problems.push(`${attribute} names ${id}, which is not there`);
                }
            }
        }
    }
}

checkLanguageAndTitle();
checkHeadings();
checkAlternatives();
checkIds();
return {
    problems,
    ids: [...ids, ...all('a[name]').map((element) => element.name)],
    links: [...all('a[href]').map((link) => link.href), ...all('iframe[src]').map((frame) => frame.src)],
    classes: [...new Set(all('main [class]').flatMap((element) => Array.from(element.classList)))],
};
