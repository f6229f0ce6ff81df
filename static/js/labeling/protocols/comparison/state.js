/**
 * Which of two sides is better, as immutable values: no document, no network, no clock. Each function takes a state and
 * returns the next one.
 *
 * @typedef {{choice: ""|"left"|"right"|"tie", margin: string, rationale: string}} Preference
 * @typedef {{of: string, ties: boolean, rationaleRule: "off"|"optional"|"required", preference: Preference, shown: "left"|"right",
 *   rationaleRequests: number, scaleRequests: number, isTyping: boolean, history: Preference[]}} State
 *   `shown` is the side that a narrow screen shows, `rationaleRequests` counts how often the labeler went to the rationale, and
 *   `scaleRequests` how often they were sent to the scale,
 *   `isTyping` says that the last change was to the rationale: what is typed without a break is undone at once
 */

export const MARGINS = ["significantly", "clearly", "slightly", "negligibly"];
const EMPTY = { choice: "", margin: "", rationale: "" };
const MAX_HISTORY = 500;

/** The places of the scale from left to right, by the name of their command. */
export const PLACES = Object.fromEntries([
    ...MARGINS.map((margin) => ["left", margin]),
    ["tie", ""],
    ...MARGINS.toReversed().map((margin) => ["right", margin]),
].map(([choice, margin]) => [choice + margin.charAt(0).toUpperCase() + margin.slice(1), { choice, margin }]));

/** The command of a preference, or null. */
export const placeOf = ({ choice, margin }) =>
    Object.keys(PLACES).find((name) => PLACES[name].choice === choice && PLACES[name].margin === margin) ?? null;

/** "Left is significantly better", and so on; empty where there is no preference. */
export function describePreference({ choice, margin }) {
    if (!choice) return "";
    if (choice === "tie") return "Neither is better";
    return `${choice === "left" ? "Left" : "Right"} is ${margin} better`;
}

/** A state that continues a draft. @returns {State} */
export function start({ of, ties, rationale }, drafted) {
    return {
        of, ties, rationaleRule: rationale, preference: { ...EMPTY, ...drafted },
        shown: "left", rationaleRequests: 0, scaleRequests: 0, isTyping: false, history: [],
    };
}

/** Prefer a side, or neither; a tie only where the round allows it. */
export function prefer(state, { choice, margin }) {
    if (choice === "tie" && !state.ties) return null;
    if (state.preference.choice === choice && state.preference.margin === margin) return state;
    return { ...state, preference: { ...state.preference, choice, margin }, isTyping: false, history: historyWith(state) };
}

export function write(state, rationale) {
    if (state.preference.rationale === rationale) return state;
    const history = state.isTyping ? state.history : historyWith(state);
    return { ...state, preference: { ...state.preference, rationale }, isTyping: true, history };
}

/** Go to the rationale, if the round has one. */
export const requestRationale = (state) =>
    (state.rationaleRule === "off" ? null : { ...state, rationaleRequests: state.rationaleRequests + 1 });

/** Go to the scale, on which nothing is chosen yet. */
export const requestScale = (state) => ({ ...state, scaleRequests: state.scaleRequests + 1 });

export const show = (state, side) => ({ ...state, shown: side });

/** Take over answers from elsewhere; undo restores the previous ones. */
export const adopt = (state, drafted) => ({ ...state, preference: { ...EMPTY, ...drafted }, isTyping: false, history: historyWith(state) });

export function undo(state) {
    const previous = state.history.at(-1);
    return previous ? { ...state, preference: previous, isTyping: false, history: state.history.slice(0, -1) } : state;
}

const historyWith = ({ history, preference }) => [...history, preference].slice(-MAX_HISTORY);

/** What is missing, and whether the labeler may submit. */
export function statusOf({ preference, rationaleRule }) {
    if (!preference.choice) return { canSubmit: false, message: "Choose which side is better, and by how much", finishReason: null };
    if (rationaleRule === "required" && !preference.rationale.trim()) {
        return { canSubmit: false, message: `${describePreference(preference)}. Write why`, finishReason: null };
    }
    return { canSubmit: true, message: describePreference(preference), finishReason: "solution" };
}

export const isAnswered = ({ choice, rationale }) => Boolean(choice || rationale);
