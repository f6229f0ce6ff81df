/**
 * Building a solution step by step, as immutable values: no document, no network, no clock. At each position the candidates
 * are rated, and one of them, or a step that the labeler writes, is chosen; the last branch step is the open one. Which
 * candidates there are depends on the steps chosen before: `candidateSets` keeps the server's sets by those choices, so that
 * undo and other branches find them again.
 *
 * @typedef {{candidate: number}|{text: string}} Choice
 * @typedef {{candidate: number, text: string, is_final: boolean}} Candidate
 * @typedef {{candidates: Candidate[], own: number, ended: boolean, problem: string, isAskedToGoOn?: boolean}} CandidateSet
 *   `own` is the number that a step of the labeler's own has; `ended`: the steps before state the final answer
 * @typedef {import("../step-answers.js").StepAnswer} StepAnswer
 * @typedef {{answers: Record<number, StepAnswer>, chosen: number|"own"|null, text: string, goesOn: boolean}} BranchStep
 *   `text` is the labeler's own step, `goesOn` says that the solution continues although the answer is stated
 * @typedef {{id: number, canWrite: boolean, candidateSets: Record<string, CandidateSet>, branchSteps: BranchStep[],
 *   cursor: number, isWriting: boolean, history: object[]}} State
 */
import { ANSWERS, answerIn } from "../step-answers.js";

const MAX_HISTORY = 500;
const EMPTY_STEP = { answers: {}, chosen: null, text: "", goesOn: false };

export const keyOf = (choices) => JSON.stringify(choices);

// --- what there is at a position ------------------------------------------------------------------------------------

/** What was chosen at the first `count` positions. @returns {Choice[]} */
export function choicesOf({ branchSteps }, count = branchSteps.length - 1) {
    return branchSteps.slice(0, count).map(({ chosen, text }) => (chosen === "own" ? { text: text.trim() } : { candidate: chosen }));
}

/** The candidates at a position; undefined until the server has sent them. @returns {CandidateSet|undefined} */
export function candidateSetAt(state, position = state.branchSteps.length - 1) {
    return state.candidateSets[keyOf(choicesOf(state, position))];
}

export const openStep = (state) => state.branchSteps.at(-1);
export const candidatesOf = (state) => (isEnded(state) ? [] : candidateSetAt(state)?.candidates ?? []);

/** Whether the chosen steps state the final answer, and the labeler does not want to continue from there. */
export function isEnded(state) {
    return Boolean(candidateSetAt(state)?.ended) && !openStep(state).goesOn;
}

/** Whether the server has to be asked for the candidates of the open position. */
export function needsCandidates(state) {
    const set = candidateSetAt(state);
    if (!set) return true;
    // No candidates are written after a final answer, unless the labeler asks for them.
    return openStep(state).goesOn && set.ended && !set.isAskedToGoOn && set.candidates.length === 0;
}

/** The text of the step chosen at a position. */
export function textAt(state, position) {
    const { chosen, text } = state.branchSteps[position];
    if (chosen === "own") return text.trim();
    return candidateSetAt(state, position)?.candidates.find(({ candidate }) => candidate === chosen)?.text ?? "";
}

const unratedOf = (state) => candidatesOf(state).filter(({ candidate }) => !openStep(state).answers[candidate]);
const ratedAs = (state, rating) => candidatesOf(state).filter(({ candidate }) => openStep(state).answers[candidate]?.rating === rating);
const mayWrite = (state) => state.canWrite && !isEnded(state) && !needsCandidates(state) && ratedAs(state, 1).length === 0;

/** What Enter chooses: a great candidate, else the labeler's own step, else an okay one; null where there is none yet. */
export function bestChoice(state) {
    const great = ratedAs(state, 1)[0];
    if (great) return great.candidate;
    if (mayWrite(state) && openStep(state).text.trim()) return "own";
    return ratedAs(state, 0)[0]?.candidate ?? null;
}

/** Whether this candidate may be chosen: great, or okay where none is great. */
export function isChoosable(state, candidate) {
    const rating = openStep(state).answers[candidate]?.rating;
    return rating === 1 || (rating === 0 && ratedAs(state, 1).length === 0);
}

// --- what is missing ------------------------------------------------------------------------------------------------

/** What is missing, and whether the labeler may submit, continue (`canProceed`) or write a step (`canWriteOwn`). */
export function statusOf(state) {
    const unrated = unratedOf(state).length;
    const canSubmit = isEnded(state);
    const canProceed = !canSubmit && !unrated && !needsCandidates(state) && bestChoice(state) !== null;
    return {
        canSubmit, canProceed, finishReason: canSubmit ? "solution" : null, message: messageOf(state, unrated),
        canWriteOwn: mayWrite(state) && !unrated,
    };
}

function messageOf(state, unrated) {
    const number = state.branchSteps.length;
    if (isEnded(state)) return number > 1 ? `Step ${number - 1} states the answer` : "The problem states the answer";
    if (needsCandidates(state)) return `Waiting for candidates for step ${number}`;
    if (state.isWriting) return "Write the step, then press Ctrl+Enter";
    if (unrated === candidatesOf(state).length && unrated) return unrated === 1 ? "Rate the candidate" : `Rate the ${unrated} candidates`;
    if (unrated) return unrated === 1 ? "Rate one more candidate" : `Rate ${unrated} more candidates`;
    if (bestChoice(state) === "own") return "Continue with your own step";
    if (ratedAs(state, 1).length > 1) return "Continue with the first great one, or choose another";
    if (ratedAs(state, 1).length) return "Continue with the great one";
    const hasOkay = ratedAs(state, 0).length > 0;
    const none = candidatesOf(state).length ? "None is great" : "No candidates";
    if (state.canWrite) return `${none}: write the step${hasOkay ? ", or continue with an okay one" : ", or give up"}`;
    if (hasOkay) return `${none}: continue with an okay one`;
    return candidatesOf(state).length ? "None can be chosen: give up" : "No candidates: give up";
}

// --- start and change -----------------------------------------------------------------------------------------------

/** A state that continues a draft. @returns {State} */
export function start(payload, options, answers) {
    const state = {
        id: payload.id, canWrite: options.writes !== false, candidateSets: candidateSetsIn(payload),
        branchSteps: branchStepsIn(answers.steps ?? []), cursor: 0, isWriting: false, history: [],
    };
    return { ...state, cursor: nextUnrated(state, 0) };
}

/** The payload holds the candidates for the choices of the server's draft. */
function candidateSetsIn(payload) {
    const drafted = { branchSteps: branchStepsIn(payload.draft.steps) };
    const sets = payload.steps.map((set) => [keyOf(choicesOf(drafted, set.position)), set]);
    return { ...Object.fromEntries(sets), ...payload.candidateSets };
}

function branchStepsIn(rows) {
    const branchSteps = [];
    do branchSteps.push(branchStepIn(rows.filter(({ position }) => position === branchSteps.length)));
    while (branchSteps.at(-1).chosen !== null);
    return branchSteps;
}

function branchStepIn(rows) {
    const own = rows.find(({ text }) => text != null);
    const rated = rows.filter((row) => row.text == null && answerIn(row));
    const chosen = rows.find((row) => row.chosen);
    return {
        answers: Object.fromEntries(rated.map((row) => [row.candidate, answerIn(row)])),
        chosen: !chosen ? null : chosen.text != null ? "own" : chosen.candidate,
        text: own?.text ?? "",
        goesOn: rows.length > 0,
    };
}

/** Take over answers from elsewhere; undo restores the previous ones. */
export function adopt(state, answers) {
    const adopted = { ...state, branchSteps: branchStepsIn(answers.steps ?? []), isWriting: false };
    return { ...adopted, cursor: nextUnrated(adopted, 0), history: historyWith(state) };
}

export function undo(state) {
    const previous = state.history.at(-1);
    return previous ? { ...state, ...previous, isWriting: false, history: state.history.slice(0, -1) } : state;
}

const historyWith = ({ history, branchSteps, cursor }) => [...history, { branchSteps, cursor }].slice(-MAX_HISTORY);

function withOpenStep(state, changes) {
    return { ...state, branchSteps: state.branchSteps.with(-1, { ...openStep(state), ...changes }) };
}

function nextUnrated(state, after) {
    const candidates = candidatesOf(state);
    const unrated = candidates.findIndex(({ candidate }, index) => index >= after && !openStep(state).answers[candidate]);
    return unrated >= 0 ? unrated : Math.max(0, Math.min(after, candidates.length) - 1);
}

/** Keep the server's candidates for these choices, which need not be the present ones. */
export function withCandidates(state, key, set) {
    const next = { ...state, candidateSets: { ...state.candidateSets, [key]: set } };
    return { ...next, cursor: key === keyOf(choicesOf(state)) ? nextUnrated(next, 0) : state.cursor };
}

/** Forget the candidates of the open position, so that they are asked for again. */
export function withoutCandidates(state) {
    const { [keyOf(choicesOf(state))]: _, ...candidateSets } = state.candidateSets;
    return { ...state, candidateSets };
}

export function rate(state, name, index) {
    const rated = candidatesOf(state)[index];
    if (!rated) return null;
    const answers = { ...openStep(state).answers, [rated.candidate]: ANSWERS[name] };
    const next = withOpenStep({ ...state, history: historyWith(state) }, { answers });
    return { ...next, cursor: nextUnrated(next, index + 1) };
}

export function moveTo(state, index) {
    return candidatesOf(state)[index] ? { ...state, cursor: index } : null;
}

/** Choose a candidate by number, or the labeler's "own" step; null where that may not be chosen. */
export function choose(state, choice) {
    if (choice === null || unratedOf(state).length || needsCandidates(state) || isEnded(state)) return null;
    if (choice === "own" ? !(mayWrite(state) && openStep(state).text.trim()) : !isChoosable(state, choice)) return null;
    const isFinal = choice !== "own" && candidatesOf(state).find(({ candidate }) => candidate === choice).is_final;
    const chosen = withOpenStep({ ...state, history: historyWith(state) }, { chosen: choice });
    const next = { ...chosen, branchSteps: [...chosen.branchSteps, EMPTY_STEP], cursor: 0, isWriting: false };
    const key = keyOf(choicesOf(next));
    if (!isFinal || next.candidateSets[key]) return next;
    return { ...next, candidateSets: { ...next.candidateSets, [key]: { candidates: [], own: 0, ended: true, problem: "" } } };
}

/** Continue although the chosen steps state the final answer. */
export function continueAfterAnswer(state) {
    return isEnded(state) ? withOpenStep({ ...state, history: historyWith(state) }, { goesOn: true }) : null;
}

/** Go back to a position: its ratings are kept, the steps after it are dropped. */
export function reopen(state, position) {
    if (!(position >= 0 && position < state.branchSteps.length - 1)) return null;
    const branchSteps = state.branchSteps.slice(0, position + 1);
    const reopened = branchSteps.with(-1, { ...branchSteps.at(-1), chosen: null, goesOn: true });
    const next = { ...state, history: historyWith(state), isWriting: false, branchSteps: reopened };
    return { ...next, cursor: nextUnrated(next, 0) };
}

/** What is missing gets the cursor: the first candidate without an answer; else the labeler's own step, if they may write it. */
export function goToMissing(state) {
    return unratedOf(state).length ? { ...state, cursor: nextUnrated(state, 0) } : write(state);
}

export function write(state) {
    return mayWrite(state) && !unratedOf(state).length ? { ...state, isWriting: true } : null;
}

export const type = (state, text) => withOpenStep(state, { text });
export const leave = (state) => ({ ...state, isWriting: false });

// --- the answers ----------------------------------------------------------------------------------------------------

/** All that was rated, written and chosen, as drafts carry it. */
export function draftedSteps(state) {
    return state.branchSteps.flatMap((branchStep, position) => draftedAt(state, branchStep, position));
}

function draftedAt(state, { answers, chosen, text }, position) {
    const rated = Object.entries(answers).map(([candidate, answer]) => ({
        position, candidate: Number(candidate), ...answer, chosen: chosen === Number(candidate),
    }));
    if (!text.trim() || (chosen !== null && chosen !== "own")) return rated;
    const candidate = candidateSetAt(state, position)?.own ?? 0;
    return [...rated, { position, candidate, rating: null, unsure: false, chosen: chosen === "own", text }];
}

/** What is submitted: no unfinished step of the labeler's own, and at the last position also the candidates that are not rated. */
export function submittedSteps(state) {
    const position = state.branchSteps.length - 1;
    const unrated = unratedOf(state).map(({ candidate }) => ({ position, candidate, rating: null, unsure: false, chosen: false }));
    return [...draftedSteps(state).filter(({ text, chosen }) => text == null || chosen), ...unrated];
}
