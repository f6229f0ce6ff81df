/**
 * A dialogue as values: no document, no network, no clock. At each position (a turn) candidates are rated, and one of
 * them, or a step that the labeler writes, is chosen; the last turn is the open one. What stands at a position hangs on
 * what was chosen before it: `known` keeps the server's offerings by those choices, so that undo and other ways find them.
 *
 * @typedef {{candidate: number}|{text: string}} Choice
 * @typedef {{candidates: {candidate: number, text: string, is_final: boolean}[], own: number, ended: boolean, problem: string}} Offering
 * @typedef {{answers: Record<number, import("../steps/state.js").Answer>, chosen: number|"own"|null, text: string, goesOn: boolean}} Turn
 * @typedef {{id: number, writes: boolean, known: Record<string, Offering>, turns: Turn[], cursor: number, writing: boolean, past: object[]}} Walk
 */
import { ANSWERS } from "../steps/state.js";

const LONGEST_PAST = 500;
const FRESH = { answers: {}, chosen: null, text: "", goesOn: false };

export const keyOf = (choices) => JSON.stringify(choices);

// --- what stands where ----------------------------------------------------------------------------------------------

/** What was chosen at the first `count` positions. @returns {Choice[]} */
export function choicesOf({ turns }, count = turns.length - 1) {
    return turns.slice(0, count).map(({ chosen, text }) => (chosen === "own" ? { text: text.trim() } : { candidate: chosen }));
}

/** The offering at a position; undefined while it is not known. */
export function offeringAt(walk, position = walk.turns.length - 1) {
    return walk.known[keyOf(choicesOf(walk, position))];
}

export const openTurn = (walk) => walk.turns.at(-1);
export const candidatesOf = (walk) => (isEnded(walk) ? [] : offeringAt(walk)?.candidates ?? []);

/** The path has come to a final answer, and the labeler does not want to go on from there. */
export function isEnded(walk) {
    return Boolean(offeringAt(walk)?.ended) && !openTurn(walk).goesOn;
}

/** Whether the server has to be asked what stands at the open position. */
export function isAsking(walk) {
    const offering = offeringAt(walk);
    if (!offering) return true;
    // Nobody writes candidates for what is finished, unless they are asked to.
    return openTurn(walk).goesOn && offering.ended && !offering.asked && offering.candidates.length === 0;
}

/** The text that was chosen at a position. */
export function textAt(walk, position) {
    const { chosen, text } = walk.turns[position];
    if (chosen === "own") return text.trim();
    return offeringAt(walk, position)?.candidates.find((one) => one.candidate === chosen)?.text ?? "";
}

const unratedOf = (walk) => candidatesOf(walk).filter(({ candidate }) => !openTurn(walk).answers[candidate]);
const ratedAs = (walk, rating) => candidatesOf(walk).filter(({ candidate }) => openTurn(walk).answers[candidate]?.rating === rating);
const mayWrite = (walk) => walk.writes && !isEnded(walk) && !isAsking(walk) && ratedAs(walk, 1).length === 0;

/** What Enter would choose: a great one, else the labeler's own, else an okay one; null where there is none yet. */
export function best(walk) {
    const great = ratedAs(walk, 1)[0];
    if (great) return great.candidate;
    if (mayWrite(walk) && openTurn(walk).text.trim()) return "own";
    return ratedAs(walk, 0)[0]?.candidate ?? null;
}

/** Whether this candidate may be chosen: great, or okay where none is great. */
export function isChoosable(walk, candidate) {
    const rating = openTurn(walk).answers[candidate]?.rating;
    return rating === 1 || (rating === 0 && ratedAs(walk, 1).length === 0);
}

// --- what is missing ------------------------------------------------------------------------------------------------

export function standing(walk) {
    const number = walk.turns.length;
    const left = unratedOf(walk).length;
    const legal = isEnded(walk);
    const proceeds = !legal && !left && !isAsking(walk) && best(walk) !== null;
    return { legal, proceeds, finish: legal ? "solution" : null, message: messageOf(walk, { number, left }) };
}

function messageOf(walk, { number, left }) {
    if (isEnded(walk)) return number > 1 ? `Step ${number - 1} states the answer` : "The problem states the answer";
    if (isAsking(walk)) return `Waiting for candidates for step ${number}`;
    if (walk.writing) return "Write the step, then Ctrl+Enter";
    if (left) return left === candidatesOf(walk).length ? `Rate the ${counted(left)}` : `Rate ${counted(left)} more`;
    if (best(walk) === "own") return "Go on with your own step";
    if (ratedAs(walk, 1).length > 1) return "Go on with the first great one, or choose another";
    if (ratedAs(walk, 1).length) return "Go on with the great one";
    const okay = ratedAs(walk, 0).length > 0;
    const none = candidatesOf(walk).length ? "None is great" : "No candidates";
    if (walk.writes) return `${none}: write the step${okay ? ", or go on with an okay one" : ", or give up"}`;
    return okay ? `${none}: go on with an okay one` : `${none} that can be chosen: give up`;
}

const counted = (count) => (count === 1 ? "candidate" : `${count} candidates`).replace(/^candidate$/, "one candidate");

// --- start and change -----------------------------------------------------------------------------------------------

/** A dialogue that goes on where a draft stopped. */
export function start(sheet, options, said) {
    const walk = { id: sheet.id, writes: options.writes !== false, known: knownIn(sheet), turns: turnsIn(said.steps ?? []), cursor: 0, writing: false, past: [] };
    return { ...walk, cursor: nextUnrated(walk, 0) };
}

/** The sheet goes along the server's draft: what it shows is known for those choices. */
function knownIn(sheet) {
    const drafted = { turns: turnsIn(sheet.draft.steps) };
    const known = sheet.steps.map((offering) => [keyOf(choicesOf(drafted, offering.position)), offering]);
    return { ...Object.fromEntries(known), ...sheet.early };
}

function turnsIn(steps) {
    const turns = [];
    let position = 0;
    do {
        turns.push(turnIn(steps.filter((one) => one.position === position)));
        position += 1;
    } while (turns.at(-1).chosen !== null);
    return turns;
}

function turnIn(said) {
    const own = said.find((one) => one.text != null);
    const rated = said.filter((one) => one.text == null && (one.unsure || one.rating != null));
    const answers = Object.fromEntries(rated.map(({ candidate, rating, unsure }) => [candidate, { rating: unsure ? null : rating, unsure: Boolean(unsure) }]));
    const chosen = said.find((one) => one.chosen);
    const choice = chosen ? (chosen.text != null ? "own" : chosen.candidate) : null;
    return { answers, chosen: choice, text: own?.text ?? "", goesOn: said.length > 0 };
}

/** Take over what was said elsewhere; undo brings the own back. */
export function adopt(walk, said) {
    const taken = { ...walk, turns: turnsIn(said.steps ?? []), writing: false };
    return { ...taken, cursor: nextUnrated(taken, 0), past: remembering(walk) };
}

export function undo(walk) {
    const last = walk.past.at(-1);
    return last ? { ...walk, ...last, writing: false, past: walk.past.slice(0, -1) } : walk;
}

const remembering = ({ past, turns, cursor }) => [...past, { turns, cursor }].slice(-LONGEST_PAST);

/** The open turn becomes another. */
function withOpen(walk, changed) {
    return { ...walk, turns: walk.turns.with(-1, { ...openTurn(walk), ...changed }) };
}

function nextUnrated(walk, after) {
    const all = candidatesOf(walk);
    const found = all.findIndex(({ candidate }, index) => index >= after && !openTurn(walk).answers[candidate]);
    return found >= 0 ? found : Math.max(0, Math.min(after, all.length) - 1);
}

/** The server's answer; it may come for a way that is not the present one. */
export function offered(walk, key, offering) {
    const taken = { ...walk, known: { ...walk.known, [key]: offering } };
    return { ...taken, cursor: key === keyOf(choicesOf(walk)) ? nextUnrated(taken, 0) : walk.cursor };
}

export function forget(walk) {
    const { [keyOf(choicesOf(walk))]: _, ...known } = walk.known;
    return { ...walk, known };
}

export function rate(walk, name, index) {
    const one = candidatesOf(walk)[index];
    if (!one) return null;
    const rated = withOpen({ ...walk, past: remembering(walk) }, { answers: { ...openTurn(walk).answers, [one.candidate]: ANSWERS[name] } });
    return { ...rated, cursor: nextUnrated(rated, index + 1) };
}

export function moveTo(walk, index) {
    return candidatesOf(walk)[index] ? { ...walk, cursor: index } : null;
}

/** Go on with this choice; null where it is not one. */
export function choose(walk, choice) {
    if (choice === null || unratedOf(walk).length || isAsking(walk) || isEnded(walk)) return null;
    if (choice === "own" ? !(mayWrite(walk) && openTurn(walk).text.trim()) : !isChoosable(walk, choice)) return null;
    const ends = choice !== "own" && candidatesOf(walk).find((one) => one.candidate === choice).is_final;
    const chosen = withOpen({ ...walk, past: remembering(walk) }, { chosen: choice });
    const gone = { ...chosen, turns: [...chosen.turns, FRESH], cursor: 0, writing: false };
    const key = keyOf(choicesOf(gone));
    return ends && !gone.known[key] ? { ...gone, known: { ...gone.known, [key]: { candidates: [], own: 0, ended: true, problem: "" } } } : gone;
}

/** A final answer stands, and the solution goes on nevertheless. */
export function goBeyond(walk) {
    return isEnded(walk) ? withOpen({ ...walk, past: remembering(walk) }, { goesOn: true }) : null;
}

/** Back to a position: its ratings stay, what came after it goes. */
export function reopen(walk, position) {
    if (!(position >= 0 && position < walk.turns.length - 1)) return null;
    const turns = walk.turns.slice(0, position + 1);
    const back = { ...walk, past: remembering(walk), writing: false, turns: turns.with(-1, { ...turns.at(-1), chosen: null, goesOn: true }) };
    return { ...back, cursor: nextUnrated(back, 0) };
}

export function write(walk) {
    return mayWrite(walk) && !unratedOf(walk).length ? { ...walk, writing: true } : null;
}

export const typed = (walk, text) => withOpen(walk, { text });
export const leave = (walk) => ({ ...walk, writing: false });

// --- what is said ---------------------------------------------------------------------------------------------------

/** All that was rated, written and chosen, as drafts carry it. */
export function saidSteps(walk) {
    return walk.turns.flatMap((turn, position) => saidAt(walk, turn, position));
}

function saidAt(walk, turn, position) {
    const rated = Object.entries(turn.answers).map(([candidate, answer]) => ({
        position, candidate: Number(candidate), ...answer, chosen: turn.chosen === Number(candidate),
    }));
    if (!turn.text.trim() || (turn.chosen !== null && turn.chosen !== "own")) return rated;
    const own = { position, candidate: offeringAt(walk, position)?.own ?? 0, rating: null, unsure: false, chosen: turn.chosen === "own", text: turn.text };
    return [...rated, own];
}

/** What is handed in: no half-written step, and of the last position also what was shown and not rated. */
export function submittedSteps(walk) {
    const position = walk.turns.length - 1;
    const shown = unratedOf(walk).map(({ candidate }) => ({ position, candidate, rating: null, unsure: false, chosen: false }));
    return [...saidSteps(walk).filter((one) => one.text == null || one.chosen), ...shown];
}
