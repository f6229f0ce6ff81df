/**
 * The four answers to a step or a candidate, by the names that keys, buttons and badges share.
 *
 * @typedef {{rating: -1|0|1|null, unsure: boolean}} StepAnswer  `unsure` goes with a null rating and counts as answered
 */

/** @type {Record<string, StepAnswer>} */
export const ANSWERS = {
    bad: { rating: -1, unsure: false },
    okay: { rating: 0, unsure: false },
    great: { rating: 1, unsure: false },
    unsure: { rating: null, unsure: true },
};

/** The name ("bad", "okay", ...) of an answer, or null. @param {StepAnswer|null|undefined} answer */
export function answerName(answer) {
    if (!answer) return null;
    return Object.keys(ANSWERS).find((name) => ANSWERS[name].rating === answer.rating && ANSWERS[name].unsure === answer.unsure) ?? null;
}

/** The answer in a row of a draft; null where the row is missing or holds none. @returns {StepAnswer|null} */
export function answerIn(row) {
    if (!row || (row.rating == null && !row.unsure)) return null;
    return { rating: row.unsure ? null : row.rating, unsure: Boolean(row.unsure) };
}
