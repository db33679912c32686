// Every text and every stroke of a picture that stands out too little from what lies behind it, by the measures of WCAG 2.
const TEXT = 4.5;
const LARGE_TEXT = 3;
const STROKE = 3;
const SHAPES = 'rect, circle, ellipse, polygon, path, line, polyline';

document.querySelectorAll('details').forEach((details) => { details.open = true; });

const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const known = new Map();

/** Red, green and blue from 0 to 255 and alpha from 0 to 1, of a colour in any notation. */
function rgba(colour) {
    if (!known.has(colour)) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        known.set(colour, [red, green, blue, alpha / 255]);
    }
    return known.get(colour);
}

function over(top, bottom) {
    const alpha = top[3];
    return [0, 1, 2].map((part) => top[part] * alpha + bottom[part] * (1 - alpha)).concat(1);
}

function luminance(colour) {
    const [red, green, blue] = colour.slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}

const style = (element) => getComputedStyle(element);
const isShown = (element) => element.checkVisibility({ visibilityProperty: true });

/** The colour of the page behind an element, its own background included. */
function background(element) {
    const layers = [];
    for (let box = element; box; box = box.parentElement) {
        layers.push(rgba(style(box).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
}

/** What an opacity leaves of a colour. */
function faded(colour, element) {
    let alpha = colour[3];
    for (let box = element; box; box = box.parentElement) {
        alpha *= Number(style(box).opacity);
    }
    return [...colour.slice(0, 3), alpha];
}

const placeOnPage = (shape, point) => point.matrixTransform(shape.getScreenCTM());
const placeInShape = (shape, point) => point.matrixTransform(shape.getScreenCTM().inverse());

/** The colour in a picture below one of its elements, at a point of the page: that of the last shape drawn there before. */
function behind(element, point) {
    const svg = element.closest('svg');
    let colour = background(svg);
    for (const shape of svg.querySelectorAll(SHAPES)) {
        if (shape === element || !(shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)) {
            continue;
        }
        const { fill, fillOpacity } = style(shape);
        const drawn = fill !== 'none' && !shape.closest('defs, marker') && isShown(shape);
        if (drawn && shape.isPointInFill(placeInShape(shape, point))) {
            const [red, green, blue, alpha] = rgba(fill);
            colour = over(faded([red, green, blue, alpha * Number(fillOpacity)], shape), colour);
        }
    }
    return colour;
}

const problems = new Map();

function judge(element, ink, paper, needed, what) {
    const ratio = contrast(over(faded(ink, element), paper), paper);
    if (ratio < needed) {
        const kind = `${element.localName}.${element.getAttribute('class') || ''} in ${element.parentElement.className.baseVal ?? element.parentElement.className}`;
        const colours = [ink, paper].map((colour) => colour.slice(0, 3).map(Math.round).join(',')).join(' on ');
        const key = `${kind} ${colours}`;
        problems.has(key) || problems.set(key, `contrast ${ratio.toFixed(2)} < ${needed}: ${kind} (${colours}): ${what}`);
    }
}

function needed(element) {
    const size = parseFloat(style(element).fontSize);
    const bold = Number(style(element).fontWeight) >= 700;
    return size >= 24 || (bold && size >= 18.66) ? LARGE_TEXT : TEXT;
}

/** At both ends and in the middle: a text may reach out of its box. */
function judgeDrawnText(element, box, what) {
    const { fill, stroke, paintOrder } = style(element);
    const outlined = stroke !== 'none' && paintOrder.startsWith('stroke');
    for (const part of [0.05, 0.5, 0.95]) {
        const point = new DOMPoint(box.left + box.width * part, box.top + box.height / 2);
        const paper = outlined ? rgba(stroke) : behind(element, point);
        judge(element, rgba(fill), paper, needed(element), what);
    }
}

function judgeTexts(root) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const what = texts.currentNode.data.trim().slice(0, 40);
        range.selectNodeContents(texts.currentNode);
        const box = range.getBoundingClientRect();
        if (!what || !isShown(element) || element.closest('.visually-hidden') || box.width <= 1) {
            continue;
        }
        if (element.closest('svg')) {
            judgeDrawnText(element, box, what);
        } else {
            judge(element, rgba(style(element).color), background(element), needed(element), what);
        }
    }
}

function judgeStrokes() {
    for (const shape of document.querySelectorAll(`.picture :is(${SHAPES})`)) {
        const { stroke, strokeWidth } = style(shape);
        if (stroke === 'none' || !parseFloat(strokeWidth) || shape.closest('defs, marker') || !isShown(shape)) {
            continue;
        }
        for (const part of [0.25, 0.5, 0.75]) {
            const point = placeOnPage(shape, shape.getPointAtLength(shape.getTotalLength() * part));
            judge(shape, rgba(stroke), behind(shape, point), STROKE, 'stroke');
        }
    }
}

judgeTexts(document.body);
judgeStrokes();
// Each step of a run as it is while it is the current one.
for (const event of document.querySelectorAll('.event')) {
    event.classList.add('current');
    judgeTexts(event);
    event.classList.remove('current');
}
return Array.from(problems.values());
