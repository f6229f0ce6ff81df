/**
 * What a round may ask about the first bad step, as values: ratings of alternatives for it, how far the solution had come,
 * and critiques of the mistake. A state keeps the answers in `followup`, the server's questions in `followupQuestions`, and in
 * `followupCursor` where the cursor is here; null while it is among the steps.
 *
 * @typedef {import("../step-answers.js").StepAnswer} StepAnswer
 * @typedef {{answers: Record<number, StepAnswer>, progress: number|null, critiques: Record<number, number>, text: string}} Followup
 * @typedef {{kind: "alternative", candidate: number}|{kind: "progress"}|{kind: "critique", id: number}|{kind: "write"}} Item
 * @typedef {{position: number, alternatives: object[], critiques: object[], problem: string}} Questions
 */
import { answerIn, answerName } from "../step-answers.js";

/** The answers about another bad step: none of the previous step's apply. @type {Followup} */
export const NO_FOLLOWUP = { answers: {}, progress: null, critiques: {}, text: "" };

export const asksFollowup = (options) => Boolean(options.alternatives || options.progress || options.critiques);

/** The follow-up answers of a draft; null where the round asks no questions. @returns {Followup|null} */
export function startFollowup(options, drafted, path) {
    if (!asksFollowup(options)) return null;
    const candidateAt = new Map(path.map(({ position, candidate }) => [position, candidate]));
    const isBesidePath = ({ position, candidate }) => candidateAt.has(position) && candidateAt.get(position) !== candidate;
    const alternatives = (drafted.steps ?? []).filter(isBesidePath);
    const critiques = drafted.critiques ?? [];
    return {
        answers: Object.fromEntries(alternatives.filter(answerIn).map((row) => [row.candidate, answerIn(row)])),
        progress: drafted.progress ?? null,
        critiques: Object.fromEntries(critiques.filter(({ id }) => id != null).map(({ id, rating }) => [id, rating])),
        text: critiques.find(({ id }) => id == null)?.text ?? "",
    };
}

/** The position of the bad step that the questions are about, or null. */
export function errorPosition(state, { firstBad }) {
    return state.followup && firstBad >= 0 ? state.steps[firstBad].position : null;
}

/** The server's questions about a bad step; undefined until they arrive. @returns {Questions|undefined} */
export const questionsAt = (state, position) => state.followupQuestions[position];

/** Everything that can be answered, from top to bottom. @returns {Item[]} */
export function itemsOf(state, status) {
    const position = errorPosition(state, status);
    const questions = position === null ? undefined : questionsAt(state, position);
    if (!questions) return [];
    const { progress, critiques } = state.options;
    return [
        ...questions.alternatives.map(({ candidate }) => ({ kind: "alternative", candidate })),
        ...(progress ? [{ kind: "progress" }] : []),
        ...questions.critiques.map(({ id }) => ({ kind: "critique", id })),
        ...(critiques ? [{ kind: "write" }] : []),
    ];
}

/** How an item is answered: "bad", "okay", "great", "unsure", "written", or null. */
export function itemAnswer(state, item) {
    const { answers, progress, critiques, text } = state.followup;
    if (item.kind === "alternative") return answerName(answers[item.candidate]);
    if (item.kind === "progress") return answerName(answerIn({ rating: progress }));
    if (item.kind === "critique") return answerName(answerIn({ rating: critiques[item.id] }));
    return text.trim() ? "written" : null;
}

/** Answer an item; null where the item cannot have this answer. @returns {Followup|null} */
export function answerItem(followup, item, { rating, unsure }) {
    if (item.kind === "alternative") return { ...followup, answers: { ...followup.answers, [item.candidate]: { rating, unsure } } };
    if (unsure || item.kind === "write") return null;
    if (item.kind === "progress") return { ...followup, progress: rating };
    return { ...followup, critiques: { ...followup.critiques, [item.id]: rating } };
}

/** What is still missing, for the action bar; empty when nothing is. */
export function missingFollowup(state, status) {
    const position = errorPosition(state, status);
    if (position === null) return "";
    if (!questionsAt(state, position)) return "Waiting for the questions about this step";
    const items = itemsOf(state, status);
    const openCount = (kind) => items.filter((item) => item.kind === kind && itemAnswer(state, item) === null).length;
    const alternatives = openCount("alternative");
    if (alternatives) return alternatives === 1 ? "Rate the alternative" : `Rate ${alternatives} alternatives`;
    if (openCount("progress")) return "Rate how far the solution came";
    const hasCritique = items.some((item) => ["critique", "write"].includes(item.kind) && itemAnswer(state, item) !== null);
    if (!state.options.critiques || hasCritique) return "";
    return items.some(({ kind }) => kind === "critique") ? "Rate a critique, or write one (w)" : "Write what is wrong (w)";
}

/** The place of the first item that has to be answered, for the cursor; -1 when nothing is missing. */
export function missingItem(state, status) {
    if (!missingFollowup(state, status)) return -1;
    const items = itemsOf(state, status);
    const isOpen = (item) => itemAnswer(state, item) === null;
    const required = items.findIndex((item) => ["alternative", "progress"].includes(item.kind) && isOpen(item));
    return required >= 0 ? required : items.findIndex((item) => isOpen(item));
}

/** What draft and submission carry of it, for the present bad step. */
export function followupAnswers(state, status) {
    const position = errorPosition(state, status);
    if (position === null) return { steps: [] };
    const { answers, progress, critiques, text } = state.followup;
    const questions = questionsAt(state, position);
    const isShown = (candidate) => !questions || questions.alternatives.some((one) => one.candidate === Number(candidate));
    const rated = Object.entries(critiques).map(([id, rating]) => ({ id: Number(id), rating }));
    const written = text.trim() ? [{ text }] : [];
    return {
        steps: Object.entries(answers).filter(([candidate]) => isShown(candidate))
            .map(([candidate, answer]) => ({ position, candidate: Number(candidate), ...answer })),
        ...(progress === null ? {} : { progress }),
        ...(rated.length || written.length ? { critiques: [...rated, ...written] } : {}),
    };
}
