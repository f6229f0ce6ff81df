/** The bench for two sides: which is better, by how much, and why. */
import { PLACES, adopt, ask, inWords, prefer, saysSomething, show, standing, start, undo, write } from "./state.js";
import { createSidesView } from "./view.js";

const OTHER = { left: "right", right: "left" };

const choices = Object.fromEntries(Object.entries(PLACES).map(([name, place]) => [name, (walk) => {
    const next = prefer(walk, place);
    return next && { walk: next, said: `${inWords(place)}.` };
}]));

const keys = Object.fromEntries(Object.entries(PLACES).map(([name, place], index) => [name, { key: String(index + 1), says: inWords(place) }]));

/** A Bench, as `benches.js` describes it. */
export const comparisonBench = {
    commands: {
        ...keys,
        why: { key: "r", says: "Write why; Escape leads back" },
        flip: { key: "t", says: "The other side, on a narrow screen" },
    },
    start: (sheet, said) => start(sheet.comparison, said.preference),
    adopt: (walk, said) => adopt(walk, said.preference),
    undo,
    acts: {
        ...choices,
        why(walk) {
            const asking = ask(walk);
            return asking && { walk: asking, said: null };
        },
        write: (walk, text) => ({ walk: write(walk, text), said: null }),
        flip: (walk) => ({ walk: show(walk, OTHER[walk.shown]), said: `${OTHER[walk.shown]} side.` }),
        show: (walk, side) => ({ walk: show(walk, side), said: `${side} side.` }),
    },
    standing,
    said: ({ preference }) => ({ steps: [], ...(saysSomething(preference) && { preference }) }),
    isBegun: (walk) => walk.past.length > 0 || saysSomething(walk.preference),
    where: () => "",
    greeting: (walk) => walk.of === "steps" ? "New task: two next steps." : "New task: two solutions.",
    createView: createSidesView,
    rows: (sheet, said) => [
        { text: "Which side", says: inWords({ choice: "", margin: "", ...said.preference }) || null },
        { text: "Why", says: said.preference?.rationale || null },
    ],
};
