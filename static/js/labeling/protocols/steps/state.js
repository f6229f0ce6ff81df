/**
 * What a labeler does with one task, as values: no document, no network, no clock. A walk goes through the
 * steps in order; each function takes one and gives the next.
 *
 * @typedef {{rating: -1|0|1|null, unsure: boolean}} Answer    `unsure` goes with a null rating and counts as answered
 * @typedef {{position: number, candidate: number}} StepKey
 * @typedef {{protocol: string, steps: StepKey[], answers: (Answer|null)[], cursor: number, past: object[]}} Walk
 * @typedef {{open: number, live: number, legal: boolean, message: string, finish: string|null, bad: number}} Standing
 *   `open` steps can be rated, the first `live` answers count, `bad` is the index of the first bad step or -1
 */

export const ANSWERS = {
    bad: { rating: -1, unsure: false },
    okay: { rating: 0, unsure: false },
    great: { rating: 1, unsure: false },
    unsure: { rating: null, unsure: true },
};

const LONGEST_PAST = 500;
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const inWords = (count) => WORDS[count] ?? String(count);

/** Each protocol: where the walk ends, and what its finish is called. */
const PROTOCOLS = {
    first_error: {
        reach(answers) {
            const answered = answeredFirst(answers);
            const bad = answers.slice(0, answered).findIndex(isBad);
            if (bad >= 0) return { open: bad + 1, live: bad + 1, legal: true };
            return { open: Math.min(answered + 1, answers.length), live: answered, legal: answered === answers.length };
        },
        asks: (count, left) => count === 1 ? capital(all(1)) : `Find the first bad step, or ${left === count ? all(count) : rest(left)}`,
        says: (count, bad) => bad.length ? `The first bad step is step ${bad[0] + 1}` : `No bad step in ${inWords(count)}`,
    },
    every_step: {
        reach(answers) {
            const answered = answeredFirst(answers);
            return { open: Math.min(answered + 1, answers.length), live: answered, legal: answered === answers.length };
        },
        asks: (count, left) => capital(left === count ? all(count) : rest(left)),
        says: (count, bad) => `All ${inWords(count)} rated, ${inWords(bad.length)} bad`,
    },
};

const all = (count) => count === 1 ? "rate the step" : `rate all ${inWords(count)}`;
const rest = (left) => `rate ${inWords(left)} more`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const isBad = (answer) => answer?.rating === -1;

function answeredFirst(answers) {
    const gap = answers.indexOf(null);
    return gap < 0 ? answers.length : gap;
}

/** A walk over these steps that goes on where a draft stopped. */
export function start(protocol, steps, drafted = [], more = {}) {
    const answers = steps.map((step) => answerIn(drafted, step));
    const walk = { ...more, protocol, steps, answers, cursor: 0, past: [] };
    return { ...walk, cursor: firstToRate(walk) };
}

function answerIn(drafted, step) {
    const found = drafted.find((one) => one.position === step.position && one.candidate === step.candidate);
    if (!found || (found.rating === null && !found.unsure)) return null;
    return { rating: found.unsure ? null : found.rating, unsure: Boolean(found.unsure) };
}

/** Where a person goes on: the first step without an answer, else the one that ended the walk. */
function firstToRate(walk) {
    return Math.max(0, standing(walk).open - 1);
}

/** @returns {Standing} */
export function standing(walk) {
    const { reach, asks, says } = PROTOCOLS[walk.protocol];
    const { open, live, legal } = reach(walk.answers);
    const counted = walk.answers.slice(0, live);
    const bad = counted.flatMap((answer, index) => isBad(answer) ? [index] : []);
    const unsure = counted.filter((answer) => answer.unsure).length;
    const message = legal ? says(walk.answers.length, bad) + (unsure ? `, ${inWords(unsure)} unsure` : "")
        : asks(walk.answers.length, walk.answers.length - live);
    return { open, live, legal, message, finish: legal ? (bad.length ? "found_error" : "solution") : null, bad: bad[0] ?? -1 };
}

/** Rate the step under the cursor and go on to the next one, if there is one to go to. */
export function rate(walk, answer) {
    if (walk.cursor >= standing(walk).open) return walk;
    const before = walk.answers[walk.cursor];
    if (before && before.rating === answer.rating && before.unsure === answer.unsure) return moveTo(walk, walk.cursor + 1);
    const answers = walk.answers.with(walk.cursor, answer);
    const rated = { ...walk, answers, past: remembering(walk) };
    return { ...rated, cursor: Math.min(walk.cursor + 1, standing(rated).open - 1) };
}

/** Take over answers from elsewhere (another tab, another device); undo brings the own ones back. */
export function adopt(walk, drafted) {
    const taken = start(walk.protocol, walk.steps, drafted);
    return { ...taken, past: remembering(walk) };
}

export function undo(walk) {
    const last = walk.past.at(-1);
    return last ? { ...walk, ...last, past: walk.past.slice(0, -1) } : walk;
}

/** The past with what stands now at its end. */
export function remembering(walk) {
    const { answers, cursor, extras, place } = walk;
    return [...walk.past, { answers, cursor, ...(extras ? { extras, place } : {}) }].slice(-LONGEST_PAST);
}

/** Put the cursor on a step that is open; further away means on the nearest one. */
export function moveTo(walk, index) {
    return { ...walk, cursor: Math.max(0, Math.min(index, standing(walk).open - 1)) };
}

/** The answers that count, as the server takes them. */
export function ratedSteps(walk) {
    return walk.answers.slice(0, standing(walk).live).map((answer, index) => ({ ...walk.steps[index], ...answer }));
}
