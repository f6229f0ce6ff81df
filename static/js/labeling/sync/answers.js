/**
 * A labeler's answers to a task, in the form that drafts and submissions carry. A protocol fills in only its own parts.
 *
 * @typedef {{steps: object[], preference?: object, progress?: number, critiques?: object[], reply?: string}} Answers
 *   `reply` answers the note with which a reviewer returned the task
 */
const PARTS = ["steps", "preference", "progress", "critiques", "reply"];

/** The answers of a draft, without its version and times. @returns {Answers} */
export function answersOf(draft) {
    return Object.fromEntries(PARTS.filter((part) => draft[part] != null).map((part) => [part, draft[part]]));
}

/** @param {Answers} left @param {Answers} right */
export function areSameAnswers(left, right) {
    return canonical(left) === canonical(right);
}

function canonical({ steps = [], ...others }) {
    const rows = steps
        .map((step) => [
            step.position, step.candidate, step.unsure ? null : step.rating ?? null, Boolean(step.unsure),
            Boolean(step.chosen), step.text ?? null, step.comment?.trim() || null,
        ])
        .sort((left, right) => left[0] - right[0] || left[1] - right[1]);
    const parts = PARTS.slice(1).map((part) => (isEmpty(others[part]) ? null : sorted(others[part])));
    return JSON.stringify([rows, parts]);
}

const isEmpty = (part) => part == null || part === "" || (Array.isArray(part) && !part.length);

/** Objects as pairs in the order of their keys, without the empty ones. */
function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== "object") return value;
    return Object.keys(value).sort().filter((key) => value[key] != null && value[key] !== "").map((key) => [key, sorted(value[key])]);
}
