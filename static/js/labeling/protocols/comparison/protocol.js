/** The protocol `comparison`: which of two sides is better, by how much, and why. */
import {
    PLACES, adopt, describePreference, isAnswered, prefer, requestRationale, requestScale, show, start, statusOf, undo, write,
} from "./state.js";
import { createComparisonView } from "./view.js";

const OTHER = { left: "right", right: "left" };
const places = Object.entries(PLACES);

/** A Protocol, as `../index.js` describes it. */
export const comparisonProtocol = {
    commands: {
        ...Object.fromEntries(places.map(([name, place], index) => [name, { key: String(index + 1), label: describePreference(place) }])),
        why: { key: "r", label: "Write why; Escape goes back" },
        flip: { key: "t", label: "Show the other side, on a narrow screen" },
    },
    start: (payload, answers) => start(payload.comparison, answers.preference),
    adopt: (state, answers) => adopt(state, answers.preference),
    undo,
    actions: {
        ...Object.fromEntries(places.map(([name, place]) => [name, (state) => {
            const next = prefer(state, place);
            return next && { state: next, announcement: `${describePreference(place)}.` };
        }])),
        why(state) {
            const next = requestRationale(state);
            return next && { state: next, announcement: null };
        },
        goToMissing(state) {
            const next = state.preference.choice ? requestRationale(state) : requestScale(state);
            return next && { state: next, announcement: null };
        },
        write: (state, text) => ({ state: write(state, text), announcement: null }),
        flip: (state) => ({ state: show(state, OTHER[state.shown]), announcement: `${OTHER[state.shown]} side.` }),
        show: (state, side) => ({ state: show(state, side), announcement: `${side} side.` }),
    },
    statusOf,
    answersOf: ({ preference }) => ({ steps: [], ...(isAnswered(preference) && { preference }) }),
    isBegun: (state) => state.history.length > 0 || isAnswered(state.preference),
    describeCursor: () => "",
    greeting: (state) => state.of === "steps" ? "New task: two next steps." : "New task: two solutions.",
    createView: createComparisonView,
    conflictRows: (payload, { preference }) => [
        { text: "Which side", answer: describePreference({ choice: "", margin: "", ...preference }) || null },
        { text: "Why", answer: preference?.rationale || null },
    ],
};
