/** The bench for `branching`: candidates for the next step are rated, one is chosen or written, up to an answer. */
import { nameOfAnswer } from "../steps/view.js";
import { ANSWERS } from "../steps/state.js";
import { createDialogueView } from "./view.js";
import {
    adopt, best, candidatesOf, choose, forget, goBeyond, isEnded, keyOf, choicesOf, leave, moveTo, offered, openTurn, rate, reopen,
    saidSteps, standing, start, submittedSteps, typed, undo, write,
} from "./state.js";

const done = (walk, said) => (walk ? { walk, said } : null);
const answers = Object.fromEntries(Object.keys(ANSWERS).map((name) => [
    name, (walk, index = walk.cursor) => done(rate(walk, name, index), `Candidate ${index + 1} ${name}.`),
]));

function take(walk, choice) {
    const next = choose(walk, choice);
    const what = choice === "own" ? "Your own step" : `Candidate ${candidatesOf(walk).findIndex((one) => one.candidate === choice) + 1}`;
    return done(next, `${what} is step ${walk.turns.length}.`);
}

/** Choose what is under the cursor; where the answer stands already, go on beyond it. */
function pick(walk, index = walk.cursor) {
    if (isEnded(walk)) return done(goBeyond(walk), "The solution goes on.");
    return take(walk, candidatesOf(walk)[index]?.candidate ?? null);
}

function hear(walk, id, key, offering) {
    if (id !== walk.id) return null;
    const next = offered(walk, key, offering);
    if (key !== keyOf(choicesOf(walk))) return { walk: next, isQuiet: true };
    const count = candidatesOf(next).length;
    return { walk: next, said: count ? `${count} candidates for step ${walk.turns.length}.` : offering.problem };
}

/** A Bench, as `benches.js` describes it. */
export const branchingBench = {
    commands: {
        bad: { key: "1", says: "The candidate is bad" },
        okay: { key: "2", says: "The candidate is okay" },
        great: { key: "3", says: "The candidate is great" },
        unsure: { key: "4", says: "I am not sure" },
        next: { key: "j", also: "ArrowDown", says: "Next candidate", repeats: true },
        previous: { key: "k", also: "ArrowUp", says: "Candidate before", repeats: true },
        choose: { key: "c", says: "Go on with this candidate" },
        write: { key: "w", says: "Write the step, where none is great" },
        submit: { key: "Enter", says: "Go on with the best one; submit at the answer" },
    },
    start: (sheet, said, options) => start(sheet, options, said),
    adopt,
    undo,
    acts: {
        ...answers,
        go: (walk, index) => done(moveTo(walk, index)),
        next: (walk) => done(moveTo(walk, walk.cursor + 1)),
        previous: (walk) => done(moveTo(walk, walk.cursor - 1)),
        choose: pick,
        proceed: (walk) => take(walk, best(walk)),
        write: (walk) => done(write(walk), "Write the step. Control Enter takes it, Escape goes back."),
        typed: (walk, text) => ({ walk: typed(walk, text), isQuiet: true }),
        takeOwn: (walk) => take(walk, openTurn(walk).text.trim() ? "own" : null),
        leave: (walk) => done(leave(walk), "Back to the candidates."),
        reopen: (walk, position) => done(reopen(walk, position), `Back to step ${position + 1}.`),
        askAgain: (walk) => ({ walk: forget(walk), said: "Asking again." }),
        hear,
    },
    standing,
    said: (walk) => ({ steps: saidSteps(walk) }),
    handsIn: (walk) => ({ steps: submittedSteps(walk) }),
    isBegun: (walk) => walk.past.length > 0 || saidSteps(walk).length > 0,
    where: (walk) => {
        const count = candidatesOf(walk).length;
        return count ? `Step ${walk.turns.length}, candidate ${walk.cursor + 1} of ${count}.` : `Step ${walk.turns.length}.`;
    },
    greeting: (walk) => (walk.turns.length > 1 ? `A task that you had begun, at step ${walk.turns.length}.` : "New task."),
    createView: createDialogueView,
    rows: (sheet, said) => {
        const steps = said.steps ?? [];
        const last = Math.max(-1, ...steps.map((one) => one.position));
        return Array.from({ length: last + 1 }, (_, position) => {
            const here = steps.filter((one) => one.position === position);
            return { text: `Step ${position + 1}`, says: here.map(inWords).join("; ") || null };
        });
    },
};

function inWords(one) {
    const what = one.text != null ? `own: ${one.text}` : `${one.candidate + 1} ${nameOfAnswer({ rating: one.rating ?? null, unsure: Boolean(one.unsure) }) ?? "open"}`;
    return one.chosen ? `${what}, chosen` : what;
}
