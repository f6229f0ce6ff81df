/**
 * Splits work into slices of time: a piece runs at once while its slice has time, else later, when the page has reacted to
 * input. A slice lasts at most its time and one piece.
 */
const SLICE_MS = 30;
// The browser lays out what a slice has made afterwards, which takes longer than making it and is not measured here: a
// heavier piece has a slice of its own.
const SLICE_WEIGHT = 300;

/** Whether a key or a click waits for the slice to end. Only Chromium says it. */
const isInputPending = () => globalThis.navigator?.scheduling?.isInputPending?.() ?? false;

/**
 * @param {object} [options]
 * @param {() => number} [options.now]
 * @param {(run: () => void) => void} [options.later]  a timeout, not an animation frame, which a hidden page does not get
 * @param {() => void} [options.afterSlice]            runs at the end of each slice
 */
export function createTimeSlices({ now = () => performance.now(), later = (run) => setTimeout(run), afterSlice = () => {} } = {}) {
    const waiting = [];
    let sliceEnd = null; // Of the slice that runs now.
    let sliceWeight = 0;
    let isScheduled = false;
    let finished = null; // {promise, resolve}, while pieces wait.
    let nextSlice = null; // The same, until the end of the next slice.

    function hasTime(weight) {
        if (sliceEnd === null) {
            sliceEnd = now() + SLICE_MS;
            sliceWeight = 0;
            schedule();
        }
        return now() < sliceEnd && !isInputPending() && (sliceWeight === 0 || sliceWeight + weight <= SLICE_WEIGHT);
    }

    function runPiece({ piece, weight }) {
        sliceWeight += weight;
        return piece();
    }

    /** Begin a new slice later. */
    function schedule() {
        if (isScheduled) return;
        isScheduled = true;
        later(() => {
            isScheduled = false;
            sliceEnd = null;
            while (waiting.length && hasTime(waiting[0].weight)) runPiece(waiting.shift());
            afterSlice();
            nextSlice?.resolve();
            nextSlice = null;
            if (waiting.length) return schedule();
            finished?.resolve();
            finished = null;
        });
    }

    return {
        /** Run the piece now, or call `postpone` now and run the piece later. `weight`: how much it adds to the page. */
        run(piece, postpone, weight = 0) {
            if (!waiting.length && hasTime(weight)) return runPiece({ piece, weight });
            postpone();
            waiting.push({ piece, weight });
            finished ??= deferred();
            schedule();
            return undefined;
        },
        done: () => finished?.promise ?? Promise.resolve(),
        /** Resolves after the slice that runs next; at once when no piece waits. */
        next: () => (waiting.length ? (nextSlice ??= deferred()).promise : Promise.resolve()),
    };
}

function deferred() {
    const pending = {};
    pending.promise = new Promise((resolve) => { pending.resolve = resolve; });
    return pending;
}
