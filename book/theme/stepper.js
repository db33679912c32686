// Plays a recorded run call by call. Without this file the page shows the whole transcript.
//
// A run is a div.run with a list of events; the builder makes it. Buttons and keys show one event after the other; what
// is still to come keeps its place, so that nothing moves.
(function () {
    'use strict';

    /** How long an event stays before the next, in milliseconds. */
    const PACE = 1500;

    const HINT = 'Next shows one step after the other. Keys: ← → Home End, and space to play.';

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
            this.current = null;
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
            this.list.after(this.now);
        }

        /** The whole transcript. */
        all() {
            this.pause();
            this.current = null;
            this.list.classList.remove('stepping');
            this.events.forEach((event) => event.classList.remove('current', 'to-come'));
            this.linksOf(null);
            this.position.textContent = this.calls + ' calls';
            this.now.textContent = HINT;
        }

        show(index) {
            this.current = Math.max(0, Math.min(index, this.events.length - 1));
            this.list.classList.add('stepping');
            this.events.forEach((event, place) => {
                event.classList.toggle('to-come', place > this.current);
                event.classList.toggle('current', place === this.current);
            });
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
            return over + ' of ' + this.calls + ' calls over';
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
            const why = event.dataset.why || '';
            const line = event.textContent.replace(/\s+/g, ' ').trim();
            const known = why && line.includes(why);
            this.now.replaceChildren(
                element('span', 'visually-hidden', this.where(event) + ': ' + line + ' '),
                element('span', known ? 'run-why known' : 'run-why', why),
            );
            this.now.lastChild.toggleAttribute('aria-hidden', Boolean(known));
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
            this.pauseAt(this.current === null ? 0 : this.current + 1);
        }

        back() {
            this.pauseAt(this.current === null ? this.events.length - 1 : this.current - 1);
        }

        pauseAt(index) {
            this.pause();
            this.show(index);
        }

        toggle() {
            if (this.timer !== null) {
                this.pause();
                return;
            }
            const atEnd = this.current === null || this.current === this.events.length - 1;
            this.show(atEnd ? 0 : this.current + 1);
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

    /** Not every browser lets the Tab key reach what scrolls. */
    function addTabStops() {
        document.querySelectorAll('main :is(pre.terminal, pre > code, .figure, .table-wrapper)')
            .forEach((box) => {
                if (box.scrollWidth > box.clientWidth) {
                    box.tabIndex = 0;
                }
            });
    }

    addSkipLink();
    addTabStops();
    document.querySelectorAll('.run').forEach((run) => new Stepper(run));
})();
