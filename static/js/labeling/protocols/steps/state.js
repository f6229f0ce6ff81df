/**
 * Rating the steps of a solution in order, as immutable values: no document, no network, no clock. Each function takes a
 * state and returns the next one.
 *
 * @typedef {import("../step-answers.js").StepAnswer} StepAnswer
 * @typedef {{position: number, candidate: number}} StepKey
 * @typedef {{protocol: string, steps: StepKey[], answers: (StepAnswer|null)[], comments: string[], cursor: number, history: object[]}} State
 * @typedef {{openCount: number, ratedCount: number, canSubmit: boolean, message: string, finishReason: string|null,
 *   firstBad: number}} Status
 *   the first `openCount` steps can be rated, the answers to the first `ratedCount` count, `firstBad` is an index or -1
 */
import { answerIn } from "../step-answers.js";

const MAX_HISTORY = 500;
const NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const spellOut = (count) => NUMERALS[count] ?? String(count);

/** For each protocol: which steps are open, when the task is complete, and what the action bar shows before and after. */
const RULES = {
    first_error: {
        reach(answers) {
            const { openCount, ratedCount, isComplete } = reachInOrder(answers);
            const bad = answers.slice(0, ratedCount).findIndex(isBad);
            return bad < 0 ? { openCount, ratedCount, isComplete } : { openCount: bad + 1, ratedCount: bad + 1, isComplete: true };
        },
        missing: (count, left) => count === 1 ? capitalize(rateAll(1)) : `Find the first bad step, or ${rateRest(count, left)}`,
        summary: (count, bad) => bad.length ? `The first bad step is step ${bad[0] + 1}` : `No bad step in ${spellOut(count)}`,
    },
    every_step: {
        reach: reachInOrder,
        missing: (count, left) => capitalize(rateRest(count, left)),
        summary: (count, bad) => `All ${spellOut(count)} rated, ${bad.length ? spellOut(bad.length) : "none"} bad`,
    },
};

const rateAll = (count) => count === 1 ? "rate the step" : `rate all ${spellOut(count)}`;
const rateRest = (count, left) => left === count ? rateAll(count) : `rate ${spellOut(left)} more`;
const capitalize = (text) => text[0].toUpperCase() + text.slice(1);
const isBad = (answer) => answer?.rating === -1;

function reachInOrder(answers) {
    const gap = answers.indexOf(null);
    const ratedCount = gap < 0 ? answers.length : gap;
    return { openCount: Math.min(ratedCount + 1, answers.length), ratedCount, isComplete: ratedCount === answers.length };
}

/** A state over these steps that continues a draft. @param {object[]} drafted  the draft's rows @returns {State} */
export function start(protocol, steps, drafted = [], more = {}) {
    const rowOf = (step) => drafted.find((row) => row.position === step.position && row.candidate === step.candidate);
    const answers = steps.map((step) => answerIn(rowOf(step)));
    const comments = steps.map((step) => rowOf(step)?.comment ?? "");
    const state = { ...more, protocol, steps, answers, comments, cursor: 0, history: [] };
    // The first step without an answer, else the one that completed the task.
    return { ...state, cursor: Math.max(0, statusOf(state).openCount - 1) };
}

/** @param {State} state @returns {Status} */
export function statusOf({ protocol, answers }) {
    const { reach, missing, summary } = RULES[protocol];
    const { openCount, ratedCount, isComplete } = reach(answers);
    const rated = answers.slice(0, ratedCount);
    const bad = rated.flatMap((answer, index) => isBad(answer) ? [index] : []);
    const unsure = rated.filter((answer) => answer.unsure).length;
    const message = isComplete ? summary(answers.length, bad) + (unsure ? `, ${spellOut(unsure)} unsure` : "")
        : missing(answers.length, answers.length - ratedCount);
    const finishReason = isComplete ? (bad.length ? "found_error" : "solution") : null;
    return { openCount, ratedCount, canSubmit: isComplete, message, finishReason, firstBad: bad[0] ?? -1 };
}

/** Rate the step under the cursor and move on to the next open one, if there is one. */
export function rate(state, answer) {
    if (state.cursor >= statusOf(state).openCount) return state;
    const before = state.answers[state.cursor];
    if (before && before.rating === answer.rating && before.unsure === answer.unsure) return moveTo(state, state.cursor + 1);
    const rated = { ...state, answers: state.answers.with(state.cursor, answer), history: historyWith(state) };
    return { ...rated, cursor: Math.min(state.cursor + 1, statusOf(rated).openCount - 1) };
}

/** Take over answers from elsewhere (another tab, another device); undo restores the previous ones. */
export function adopt(state, drafted) {
    return { ...start(state.protocol, state.steps, drafted), history: historyWith(state) };
}

export function undo(state) {
    const previous = state.history.at(-1);
    return previous ? { ...state, ...previous, history: state.history.slice(0, -1) } : state;
}

/** The history, with the present state as its last entry. */
export function historyWith({ history, answers, cursor, followup, followupCursor }) {
    return [...history, { answers, cursor, ...(followup ? { followup, followupCursor } : {}) }].slice(-MAX_HISTORY);
}

/** Move the cursor to an open step; an index out of range means the nearest one. */
export function moveTo(state, index) {
    return { ...state, cursor: Math.max(0, Math.min(index, statusOf(state).openCount - 1)) };
}

/** The answers that count, in the API's form; and the comment on a step that is open and not rated yet. */
export function ratedSteps(state) {
    const { ratedCount, openCount } = statusOf(state);
    const rows = state.steps.slice(0, openCount).map((step, index) => {
        const comment = state.comments[index].trim();
        return { ...step, ...(index < ratedCount ? state.answers[index] : {}), ...(comment ? { comment } : {}) };
    });
    return rows.filter((row, index) => index < ratedCount || row.comment);
}

/** Write the comment on the step under the cursor. It is no answer, and undo leaves it. */
export function writeComment(state, text) {
    return { ...state, comments: state.comments.with(state.cursor, text) };
}
