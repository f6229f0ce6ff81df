/**
 * Which of two sides is better, as values: no document, no network, no clock. Each function takes a walk and gives
 * the next one.
 *
 * @typedef {{choice: ""|"left"|"right"|"tie", margin: string, rationale: string}} Preference
 * @typedef {{of: string, ties: boolean, rule: "off"|"optional"|"required", preference: Preference, shown: "left"|"right",
 *   asks: number, isWriting: boolean, past: Preference[]}} Walk
 *   `shown` is the side that a narrow screen shows, `asks` counts how often the rationale was asked for, `isWriting`
 *   says that the last change was to the rationale: letters typed in one go are undone in one go
 */

export const MARGINS = ["significantly", "clearly", "slightly", "negligibly"];
const NOTHING = { choice: "", margin: "", rationale: "" };
const LONGEST_PAST = 500;

/** The places of the scale from left to right, by the name of their command. */
export const PLACES = Object.fromEntries([
    ...MARGINS.map((margin) => ["left", margin]),
    ["tie", ""],
    ...MARGINS.toReversed().map((margin) => ["right", margin]),
].map(([choice, margin]) => [choice + margin.charAt(0).toUpperCase() + margin.slice(1), { choice, margin }]));

/** The command of what is preferred, or null. */
export const placeOf = ({ choice, margin }) =>
    Object.keys(PLACES).find((name) => PLACES[name].choice === choice && PLACES[name].margin === margin) ?? null;

/** "Left is significantly better", and so on; empty where nothing is preferred. */
export function inWords({ choice, margin }) {
    if (!choice) return "";
    if (choice === "tie") return "Neither is better";
    return `${choice === "left" ? "Left" : "Right"} is ${margin} better`;
}

export function start({ of, ties, rationale }, drafted) {
    return { of, ties, rule: rationale, preference: { ...NOTHING, ...drafted }, shown: "left", asks: 0, isWriting: false, past: [] };
}

/** Prefer so; a tie only where the round allows it. */
export function prefer(walk, { choice, margin }) {
    if (choice === "tie" && !walk.ties) return null;
    if (walk.preference.choice === choice && walk.preference.margin === margin) return walk;
    return { ...walk, preference: { ...walk.preference, choice, margin }, isWriting: false, past: remembering(walk) };
}

export function write(walk, rationale) {
    if (walk.preference.rationale === rationale) return walk;
    const past = walk.isWriting ? walk.past : remembering(walk);
    return { ...walk, preference: { ...walk.preference, rationale }, isWriting: true, past };
}

/** Go to the rationale, if the round has any. */
export const ask = (walk) => (walk.rule === "off" ? null : { ...walk, asks: walk.asks + 1 });

export const show = (walk, side) => ({ ...walk, shown: side });

/** Take over what was said elsewhere; undo brings the own back. */
export const adopt = (walk, drafted) => ({ ...walk, preference: { ...NOTHING, ...drafted }, isWriting: false, past: remembering(walk) });

export function undo(walk) {
    const last = walk.past.at(-1);
    return last ? { ...walk, preference: last, isWriting: false, past: walk.past.slice(0, -1) } : walk;
}

const remembering = (walk) => [...walk.past, walk.preference].slice(-LONGEST_PAST);

/** What is missing, and whether it may be handed in. */
export function standing({ preference, rule }) {
    if (!preference.choice) return { legal: false, message: "Say which side is better, and by how much", finish: null };
    if (rule === "required" && !preference.rationale.trim()) {
        return { legal: false, message: `${inWords(preference)}. Write why`, finish: null };
    }
    return { legal: true, message: inWords(preference), finish: "solution" };
}

export const saysSomething = ({ choice, rationale }) => Boolean(choice || rationale);
