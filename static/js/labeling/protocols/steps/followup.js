/**
 * What follows the first bad step, where the round asks for it, as values: alternatives for that step, how far the
 * solution had come, critiques of the mistake. A walk carries it in `extras`; `place` is the cursor in here, null while
 * it is among the steps.
 *
 * @typedef {{kind: "alternative", candidate: number}|{kind: "progress"}|{kind: "critique", id: number}|{kind: "write"}} Item
 * @typedef {{position: number, alternatives: object[], critiques: object[], problem: string}} Found
 */
const FRESH = { answers: {}, progress: null, critiques: {}, text: "" };
const NAMES = ["alternatives", "progress", "critiques"];

export const asksMore = (options) => NAMES.some((name) => options[name]);

/** The part of a walk that a draft brings back; null where the round asks for nothing. */
export function startAftermath(options, said, keys) {
    if (!asksMore(options)) return null;
    const path = new Map(keys.map(({ position, candidate }) => [position, candidate]));
    const beside = (said.steps ?? []).filter((one) => path.has(one.position) && path.get(one.position) !== one.candidate);
    const answers = Object.fromEntries(beside.map(({ candidate, rating, unsure }) => [candidate, { rating: unsure ? null : rating ?? null, unsure: Boolean(unsure) }]));
    const critiques = said.critiques ?? [];
    return {
        answers,
        progress: said.progress ?? null,
        critiques: Object.fromEntries(critiques.filter((one) => one.id != null).map(({ id, rating }) => [id, rating])),
        text: critiques.find((one) => one.id == null)?.text ?? "",
    };
}

/** The position of the bad step that is asked about, or null. */
export function errorOf(walk, { bad }) {
    return walk.extras && bad >= 0 ? walk.steps[bad].position : null;
}

/** What the server said of it; undefined while it is not known. @returns {Found|undefined} */
export const foundAt = (walk, error) => walk.found[error];

/** Everything that can be answered, from top to bottom. @returns {Item[]} */
export function itemsOf(walk, standing) {
    const error = errorOf(walk, standing);
    const found = error === null ? undefined : foundAt(walk, error);
    if (!found) return [];
    const { progress, critiques } = walk.options;
    return [
        ...found.alternatives.map(({ candidate }) => ({ kind: "alternative", candidate })),
        ...(progress ? [{ kind: "progress" }] : []),
        ...found.critiques.map(({ id }) => ({ kind: "critique", id })),
        ...(critiques ? [{ kind: "write" }] : []),
    ];
}

/** How an item is answered: "bad", "okay", "great", "unsure", "written", or null. */
export function answerOf(walk, item) {
    const { answers, progress, critiques, text } = walk.extras;
    if (item.kind === "alternative") return wordOf(answers[item.candidate]);
    if (item.kind === "progress") return wordOf(progress === null ? null : { rating: progress });
    if (item.kind === "critique") return wordOf(item.id in critiques ? { rating: critiques[item.id] } : null);
    return text.trim() ? "written" : null;
}

const WORDS = { "-1": "bad", 0: "okay", 1: "great" };
const wordOf = (answer) => (answer ? (answer.unsure ? "unsure" : WORDS[answer.rating] ?? null) : null);

/** Answer an item; null where this answer means nothing there. */
export function answer(extras, item, { rating, unsure }) {
    if (item.kind === "alternative") return { ...extras, answers: { ...extras.answers, [item.candidate]: { rating, unsure } } };
    if (unsure || item.kind === "write") return null;
    if (item.kind === "progress") return { ...extras, progress: rating };
    return { ...extras, critiques: { ...extras.critiques, [item.id]: rating } };
}

/** What is still to be said, as the bar tells it; empty when nothing is. */
export function missing(walk, standing) {
    const error = errorOf(walk, standing);
    if (error === null) return "";
    if (!foundAt(walk, error)) return "Waiting for what is asked about this step";
    const items = itemsOf(walk, standing);
    const open = (kind) => items.filter((item) => item.kind === kind && answerOf(walk, item) === null).length;
    const left = open("alternative");
    if (left) return left === 1 ? "Rate the alternative" : `Rate ${left} alternatives`;
    if (open("progress")) return "Say how far the solution came";
    const isCritical = items.some((item) => ["critique", "write"].includes(item.kind) && answerOf(walk, item) !== null);
    if (!walk.options.critiques || isCritical) return "";
    return items.some(({ kind }) => kind === "critique") ? "Rate a critique, or write one (w)" : "Write what is wrong (w)";
}

/** What draft and submission carry of it, for the error that stands. */
export function saidOf(walk, standing) {
    const error = errorOf(walk, standing);
    if (error === null) return { steps: [] };
    const { answers, progress, critiques, text } = walk.extras;
    const shown = foundAt(walk, error);
    const isShown = (candidate) => !shown || shown.alternatives.some((one) => one.candidate === Number(candidate));
    const said = Object.entries(critiques).map(([id, rating]) => ({ id: Number(id), rating }));
    return {
        steps: Object.entries(answers).filter(([candidate]) => isShown(candidate))
            .map(([candidate, given]) => ({ position: error, candidate: Number(candidate), ...given })),
        ...(progress === null ? {} : { progress }),
        ...(said.length || text.trim() ? { critiques: [...said, ...(text.trim() ? [{ text }] : [])] } : {}),
    };
}

/** A bad step elsewhere is another error: nothing said of the first one holds. */
export const forgotten = () => FRESH;
