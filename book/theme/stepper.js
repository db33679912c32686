// Plays a recorded run call by call. Without this file the page shows the whole transcript.
//
// A run is a div.run with a list of events; the builder makes it. Buttons and keys show one event after the other: a call
// first with `= ?`, so that a reader can say what it will return. What is still to come keeps its place, so that nothing
// moves.
(function () {
    'use strict';

    /** How long an event stays before the next, in milliseconds. */
    const PACE = 1500;

    const HINT = 'Next shows a call, and after that what it returned. A click on a line shows the run up to there.';
    const SETUP = 'The calls above get everything ready.';
    const KEYS = 'Keys, after a click: ← → Home End, and space to play.';
    const ASK = 'What will it return?';

    /** What the kernel answered: the style sheet hides it while that is asked. */
    const ANSWER = '.result, .failed, .limited, .filled, .time, .data, .why';

    const motionIsWelcome = () =>
        !window.matchMedia('(prefers-reduced-motion: reduce)').matches;

    function element(name, className, text) {
        const made = document.createElement(name);
        made.className = className;
        made.textContent = text || '';
        return made;
    }

    class Stepper {
        constructor(run) {
            this.run = run;
            this.list = run.querySelector('.run-events');
            this.events = Array.from(run.querySelectorAll('.event'));
            this.calls = this.events.filter((event) => event.dataset.kind === 'call').length;
            this.end = run.querySelector('.run-end');
            this.begins = Math.max(0, this.events.findIndex((event) => 'begins' in event.dataset));
            this.current = null;
            this.asked = false;
            this.timer = null;
            this.addControls();
            this.all();
            run.addEventListener('keydown', (event) => this.key(event));
            this.list.addEventListener('click', (event) => this.click(event));
        }

        addControls() {
            const bar = element('div', 'run-controls');
            bar.setAttribute('role', 'toolbar');
            bar.setAttribute('aria-label', 'Steps');
            const button = (text, action) => {
                const made = element('button', 'run-button', text);
                made.type = 'button';
                made.addEventListener('click', action);
                bar.append(made);
                return made;
            };
            button('First', () => this.pauseAt(0));
            button('Back', () => this.back());
            button('Next', () => this.next());
            this.playButton = button('Play', () => this.toggle());
            button('All', () => this.all());
            this.position = element('span', 'run-position');
            bar.append(this.position);
            this.now = element('p', 'run-now');
            this.now.setAttribute('aria-live', 'polite');
            this.now.setAttribute('aria-atomic', 'true');
            this.list.before(bar);
            this.run.append(this.now);
        }

        /** The whole transcript. */
        all() {
            this.pause();
            this.current = null;
            this.asked = false;
            this.list.classList.remove('stepping');
            this.events.forEach((event) => event.classList.remove('current', 'to-come', 'asked'));
            this.end?.classList.remove('to-come');
            this.linksOf(null);
            this.position.textContent = this.calls + ' calls';
            const hint = this.begins > 0 ? HINT + ' ' + SETUP : HINT;
            this.now.replaceChildren(hint + ' ', element('span', 'run-keys', KEYS));
            this.list.scrollTop = this.begins > 0 ? this.events[this.begins].offsetTop : 0;
        }

        /** The run up to there; asked, without what that call returned. */
        show(index, asked) {
            this.current = Math.max(0, Math.min(index, this.events.length - 1));
            this.asked = Boolean(asked);
            this.list.classList.add('stepping');
            this.events.forEach((event, place) => {
                event.classList.toggle('to-come', place > this.current);
                event.classList.toggle('current', place === this.current);
                event.classList.toggle('asked', this.asked && place === this.current);
            });
            this.end?.classList.toggle('to-come', this.current < this.events.length - 1);
            const event = this.events[this.current];
            this.linksOf(event);
            this.position.textContent = this.where(event);
            this.explain(event);
            this.bringIntoView(event);
        }

        where(event) {
            if (event.dataset.kind === 'call') {
                return 'call ' + this.numberOf(event) + ' of ' + this.calls;
            }
            const over = this.events.slice(0, this.current)
                .filter((earlier) => earlier.dataset.kind === 'call').length;
            return over + ' of ' + this.calls + ' calls shown';
        }

        /** A call that was shown waiting has its number where it began. */
        numberOf(event) {
            const began = (earlier) =>
                earlier.dataset.kind === 'begin' && earlier.dataset.actor === event.dataset.actor;
            return event.dataset.call
                || this.events.slice(0, this.current).findLast(began).dataset.call;
        }

        /** The line is for those who cannot see it highlighted; the why is for everybody. */
        explain(event) {
            const why = this.asked ? ASK : event.dataset.why || '';
            const line = this.lineOf(event);
            const known = why && line.includes(why);
            this.now.replaceChildren(
                element('span', 'visually-hidden', this.where(event) + ': ' + line + ' '),
                element('span', known ? 'run-why known' : 'run-why', why),
            );
            this.now.lastChild.toggleAttribute('aria-hidden', Boolean(known));
        }

        /** What can be seen of it. */
        lineOf(event) {
            const seen = event.cloneNode(true);
            if (this.asked) {
                seen.querySelector('.result, .failed, .limited')?.before('= ?');
                seen.querySelectorAll(ANSWER).forEach((part) => part.remove());
            }
            return seen.textContent.replace(/\s+/g, ' ').trim();
        }

        /** Only the current call's link is on the way of the Tab key. */
        linksOf(current) {
            this.list.querySelectorAll('a').forEach((link) => {
                link.tabIndex = current && current.contains(link) ? 0 : -1;
            });
        }

        /** Scrolls the list, never the page. */
        bringIntoView(event) {
            const list = this.list.getBoundingClientRect();
            const box = event.getBoundingClientRect();
            const room = this.list.clientHeight;
            const above = box.top - list.top;
            if (above < 0 || above + box.height > room) {
                const middle = Math.max(0, (room - box.height) / 2);
                const behavior = motionIsWelcome() ? 'smooth' : 'auto';
                this.list.scrollTo({ top: this.list.scrollTop + above - middle, behavior });
            }
        }

        next() {
            if (this.asked) {
                this.pauseAt(this.current);
                return;
            }
            const last = this.events.length - 1;
            const index = this.current === null ? this.firstCall() : Math.min(this.current + 1, last);
            this.pauseAt(index, index !== this.current && 'asks' in this.events[index].dataset);
        }

        back() {
            this.pauseAt(this.current === null ? this.events.length - 1 : this.current - 1);
        }

        /** Where the story begins. */
        firstCall() {
            const isCall = (event, place) => place >= this.begins && event.dataset.kind === 'call';
            return Math.max(0, this.events.findIndex(isCall));
        }

        pauseAt(index, asked) {
            this.pause();
            this.show(index, asked);
        }

        toggle() {
            if (this.timer !== null) {
                this.pause();
                return;
            }
            const atEnd = this.current === null || this.current === this.events.length - 1;
            this.show(atEnd ? this.begins : this.current + 1);
            this.playButton.textContent = 'Pause';
            this.timer = setInterval(() => {
                if (this.current === this.events.length - 1) {
                    this.pause();
                } else {
                    this.show(this.current + 1);
                }
            }, PACE);
        }

        pause() {
            clearInterval(this.timer);
            this.timer = null;
            this.playButton.textContent = 'Play';
        }

        key(event) {
            if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
                return;
            }
            const isControl = event.target.closest('button, a');
            const actions = {
                ArrowRight: () => this.next(),
                ArrowLeft: () => this.back(),
                Home: () => this.pauseAt(0),
                End: () => this.pauseAt(this.events.length - 1),
                ' ': isControl ? null : () => this.toggle(),
            };
            const action = actions[event.key];
            if (action) {
                action();
                event.preventDefault();
                // mdBook turns the page with the same keys.
                event.stopPropagation();
            }
        }

        click(event) {
            const step = event.target.closest('.event');
            const selecting = String(window.getSelection()) !== '';
            if (step && !selecting && !event.target.closest('a')) {
                this.pauseAt(this.events.indexOf(step));
            }
        }
    }

    /** For who reads with the keyboard: past the table of contents. */
    function addSkipLink() {
        const link = element('a', 'skip-link', 'Skip to the text');
        link.href = '#mdbook-content';
        link.addEventListener('click', (event) => {
            const text = document.querySelector('#mdbook-content main');
            event.preventDefault();
            text.tabIndex = -1;
            text.focus();
        });
        document.body.prepend(link);
    }

    /** Not every browser lets the Tab key reach what scrolls. And of a picture nobody sees that it goes on. */
    function addTabStops() {
        document.querySelectorAll('main :is(pre.terminal, pre > code, .figure, .table-wrapper)')
            .forEach((box) => {
                const isWide = box.scrollWidth > box.clientWidth;
                if (isWide) {
                    box.tabIndex = 0;
                }
                box.classList.toggle('wide', isWide);
            });
    }

    addSkipLink();
    addTabStops();
    document.querySelectorAll('.run').forEach((run) => new Stepper(run));
})();
