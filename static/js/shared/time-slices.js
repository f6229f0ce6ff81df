/**
 * Work in slices: each piece is done at once while its slice has time, else later, when the page has answered what
 * people did in the meantime. No slice is longer than its time and one piece.
 */
const SLICE_MS = 30;
// What a slice makes the browser lays out afterwards, which takes longer than to make it and is in no clock of ours: a
// piece that is heavier has a slice of its own.
const SLICE_WEIGHT = 300;

/** The next slice begins after the browser has drawn and heard; a page that is hidden draws nothing, so it is no frame. */
const afterwards = (act) => setTimeout(act);

/**
 * @param {{now?: () => number, later?: (act: () => void) => void, settle?: () => void}} [means]  a clock, how to go on later,
 *   and what a slice ends with, so that what several of them made is not left to one moment
 */
export function createSlices({ now = () => performance.now(), later = afterwards, settle = () => {} } = {}) {
    const waiting = [];
    let sliceEnds = null; // Of the slice that runs now.
    let weight = 0;
    let isScheduled = false;
    let finished = null; // {promise, resolve}, while something waits.

    function hasTime(heavy) {
        if (sliceEnds === null) {
            sliceEnds = now() + SLICE_MS;
            weight = 0;
            schedule();
        }
        return now() < sliceEnds && (weight === 0 || weight + heavy <= SLICE_WEIGHT);
    }

    function act({ piece, heavy }) {
        weight += heavy;
        return piece();
    }

    /** What runs next begins a new slice. */
    function schedule() {
        if (isScheduled) return;
        isScheduled = true;
        later(() => {
            isScheduled = false;
            sliceEnds = null;
            while (waiting.length && hasTime(waiting[0].heavy)) act(waiting.shift());
            settle();
            if (waiting.length) schedule();
            else finish();
        });
    }

    function finish() {
        finished?.resolve();
        finished = null;
    }

    return {
        /** Do the piece now, or `put` something in its place and do it later. `heavy`: how much it makes. */
        run(piece, put, heavy = 0) {
            if (!waiting.length && hasTime(heavy)) return act({ piece, heavy });
            put();
            waiting.push({ piece, heavy });
            finished ??= deferred();
            schedule();
            return undefined;
        },
        done: () => finished?.promise ?? Promise.resolve(),
    };
}

function deferred() {
    const one = {};
    one.promise = new Promise((resolve) => { one.resolve = resolve; });
    return one;
}
