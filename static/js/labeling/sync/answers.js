/**
 * What a labeler has said of a task so far, as drafts and submissions carry it. Only what a protocol knows is there.
 *
 * @typedef {{steps: object[], preference?: object, progress?: number, critiques?: object[]}} Said
 */
const PARTS = ["steps", "preference", "progress", "critiques"];

/** The parts of a draft that say something, without its version and times. */
export function saidOf(draft) {
    return Object.fromEntries(PARTS.filter((part) => draft[part] != null).map((part) => [part, draft[part]]));
}

/** Whether two of them say the same. */
export function saysTheSame(left, right) {
    return canonical(left) === canonical(right);
}

function canonical({ steps = [], ...more }) {
    const said = steps
        .map((step) => [
            step.position, step.candidate, step.unsure ? null : step.rating ?? null, Boolean(step.unsure),
            Boolean(step.chosen), step.text ?? null,
        ])
        .sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    const rest = PARTS.slice(1).map((part) => (isEmpty(more[part]) ? null : sorted(more[part])));
    return JSON.stringify([said, rest]);
}

const isEmpty = (part) => part == null || (Array.isArray(part) && !part.length);

function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== "object") return value;
    return Object.keys(value).sort().filter((key) => value[key] != null && value[key] !== "").map((key) => [key, sorted(value[key])]);
}
