// Plays every run of the page by its buttons and by clicks, and calls back with what is wrong.
const done = arguments[arguments.length - 1];
const problems = [];

/** In milliseconds. */
const PATIENCE = 5_000;

const plain = (text) => text.replace(/\s+/g, ' ').trim();

class Run {
    constructor(run) {
        this.run = run;
        this.list = run.querySelector('.run-events');
        this.events = Array.from(run.querySelectorAll('.event'));
        this.calls = this.events.filter((event) => event.dataset.kind === 'call');
        this.last = this.events.length - 1;
    }

    /** Ends the check of this run: what is wrong after the first wrong thing usually follows from it. */
    tell(what) {
        throw new Error(what);
    }

    press(text) {
        const buttons = Array.from(this.run.querySelectorAll('button'));
        const button = buttons.find((candidate) => candidate.textContent === text);
        if (!button) {
            this.tell(`no button ${text}`);
        }
        button.click();
    }

    current() {
        return this.events.findIndex((event) => event.classList.contains('current'));
    }

    position() {
        return this.run.querySelector('.run-position')?.textContent || '';
    }

    isShown(event) {
        return event.checkVisibility({ visibilityProperty: true });
    }

    /** The whole transcript is there, and no step is marked. */
    expectAll(when) {
        if (this.current() !== -1 || !this.events.every(this.isShown)) {
            this.tell(`${when}: not the whole transcript`);
        }
        if (this.position() !== `${this.calls.length} calls`) {
            this.tell(`${when}: the position says ${this.position()}`);
        }
    }

    /** What is shown ends with the event at that place; it is in sight, counted and announced. */
    expectStep(place, when) {
        if (this.current() !== place) {
            this.tell(`${when}: at step ${this.current()}, not ${place}`);
        }
        if (!this.events.every((event, index) => this.isShown(event) === index <= place)) {
            this.tell(`${when}: not the steps up to ${place}`);
        }
        const event = this.events[place];
        this.expectInSight(event, when);
        if (!this.rightPosition(event, place).test(this.position())) {
            this.tell(`${when}: the position says ${this.position()} at ${plain(event.textContent)}`);
        }
        this.expectAnnounced(event, when);
    }

    expectInSight(event, when) {
        const list = this.list.getBoundingClientRect();
        const box = event.getBoundingClientRect();
        const tooTall = box.height > list.height;
        if (box.top < list.top - 1 || (!tooTall && box.bottom > list.bottom + 1)) {
            this.tell(`${when}: the current step is out of sight`);
        }
    }

    rightPosition(event, place) {
        if (event.dataset.kind === 'call') {
            // The line of a call that was waiting may only say how it ended.
            const number = event.querySelector('.number')?.textContent.trim() || '\\d+';
            return new RegExp(`^call ${number} of ${this.calls.length}$`);
        }
        const over = this.calls.filter((call) => this.events.indexOf(call) < place).length;
        return new RegExp(`^${over} of ${this.calls.length} calls over$`);
    }

    expectAnnounced(event, when) {
        const live = this.run.querySelector('[aria-live="polite"]');
        if (!live || !plain(live.textContent).includes(plain(event.textContent))) {
            this.tell(`${when}: the step is not announced`);
        }
    }

    checkButtons() {
        this.expectAll('at first');
        this.press('First');
        this.expectStep(0, 'First');
        for (let place = 1; place <= this.last; place += 1) {
            this.press('Next');
            this.expectStep(place, 'Next');
        }
        const [, call, of] = this.position().match(/(\d+) of (\d+)/) || [];
        if (!call || call !== of) {
            this.tell(`at the end the position says ${this.position()}`);
        }
        this.press('Next');
        this.expectStep(this.last, 'Next at the end');
        this.press('Back');
        this.expectStep(this.last - 1, 'Back');
        this.press('All');
        this.expectAll('All');
    }

    /** At its left edge, where no link is. What is still to come cannot be clicked: so from the last to the first. */
    checkClicks() {
        for (const place of [this.last, Math.floor(this.last / 2), 0]) {
            const event = this.events[place];
            event.scrollIntoView({ block: 'center', behavior: 'instant' });
            const box = event.getBoundingClientRect();
            document.elementFromPoint(box.left + 2, box.top + 5)?.click();
            this.expectStep(place, 'click');
        }
        this.press('All');
    }

    async checkPlay() {
        this.press('Play');
        this.expectStep(0, 'Play');
        await this.until(() => this.current() === 1);
        this.press('Pause');
        await new Promise((resolve) => setTimeout(resolve, 50));
        this.expectStep(1, 'Pause');
        this.press('Play');
        await this.until(() => this.current() === this.last);
        this.expectStep(this.last, 'played');
        this.press('All');
        this.expectAll('All after Play');
    }

    /** Comes back before the step after it; or when for long no step has come. */
    until(condition) {
        return new Promise((resolve) => {
            let end = setTimeout(resolve, PATIENCE);
            const watch = new MutationObserver(() => {
                clearTimeout(end);
                end = setTimeout(resolve, PATIENCE);
                if (condition()) {
                    clearTimeout(end);
                    watch.disconnect();
                    resolve();
                }
            });
            watch.observe(this.list, { attributes: true, subtree: true });
        });
    }
}

async function check() {
    for (const element of document.querySelectorAll('.run')) {
        const run = new Run(element);
        try {
            run.checkButtons();
            run.checkClicks();
            await run.checkPlay();
        } catch (error) {
            problems.push(`${element.getAttribute('aria-label')}: ${error.message}`);
        }
    }
}

check().then(() => done(problems));
