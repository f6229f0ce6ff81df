/** The protocol `branching`: candidates for the next step are rated, and one is chosen or written, up to the final answer. */
import { ANSWERS, answerIn, answerName } from "../step-answers.js";
import {
    adopt, bestChoice, candidatesOf, choicesOf, choose, continueAfterAnswer, draftedSteps, goToMissing, isEnded, keyOf, leave, moveTo, openStep, rate,
    reopen, start, statusOf, submittedSteps, type, undo, withCandidates, withoutCandidates, write,
} from "./state.js";
import { createBranchingView } from "./view.js";

const result = (state, announcement) => (state ? { state, announcement } : null);
const answers = Object.fromEntries(Object.keys(ANSWERS).map((name) => [
    name, (state, index = state.cursor) => result(rate(state, name, index), `Candidate ${index + 1} ${name}.`),
]));

function take(state, choice) {
    const index = candidatesOf(state).findIndex(({ candidate }) => candidate === choice);
    const step = choice === "own" ? "Your own step" : `Candidate ${index + 1}`;
    return result(choose(state, choice), `${step} is step ${state.branchSteps.length}.`);
}

/** Choose the candidate by index; where the answer is stated already, continue after it. */
function chooseOrContinue(state, index = state.cursor) {
    if (isEnded(state)) return result(continueAfterAnswer(state), "The solution continues.");
    return take(state, candidatesOf(state)[index]?.candidate ?? null);
}

function receiveCandidates(state, id, key, set) {
    if (id !== state.id) return null;
    const next = withCandidates(state, key, set);
    if (key !== keyOf(choicesOf(state))) return { state: next, isQuiet: true };
    const count = candidatesOf(next).length;
    return { state: next, announcement: count ? `${count} ${count === 1 ? "candidate" : "candidates"} for step ${state.branchSteps.length}.` : set.problem };
}

/** One row of a draft, in words. */
function describeRow(row) {
    const step = row.text != null ? `own: ${row.text}` : `${row.candidate + 1} ${answerName(answerIn(row)) ?? "open"}`;
    return row.chosen ? `${step}, chosen` : step;
}

/** A Protocol, as `../index.js` describes it. */
export const branchingProtocol = {
    commands: {
        bad: { key: "1", label: "The candidate is bad" },
        okay: { key: "2", label: "The candidate is okay" },
        great: { key: "3", label: "The candidate is great" },
        unsure: { key: "4", label: "I am not sure" },
        next: { key: "j", also: "ArrowDown", label: "Next candidate", repeats: true },
        previous: { key: "k", also: "ArrowUp", label: "Previous candidate", repeats: true },
        choose: { key: "c", label: "Choose this candidate" },
        write: { key: "w", label: "Write the step, where none is great" },
        submit: { key: "Enter", label: "Choose the best candidate; submit at the final answer" },
    },
    start: (payload, drafted, options) => start(payload, options, drafted),
    adopt,
    undo,
    actions: {
        ...answers,
        go: (state, index) => result(moveTo(state, index)),
        next: (state) => result(moveTo(state, state.cursor + 1)),
        previous: (state) => result(moveTo(state, state.cursor - 1)),
        choose: chooseOrContinue,
        goToMissing: (state) => result(goToMissing(state)),
        proceed: (state) => take(state, bestChoice(state)),
        write: (state) => result(write(state), "Write the step. Press Control Enter to use it, Escape to go back."),
        type: (state, text) => ({ state: type(state, text), isQuiet: true }),
        takeOwn: (state) => take(state, openStep(state).text.trim() ? "own" : null),
        leave: (state) => result(leave(state), "Back to the candidates."),
        reopen: (state, position) => result(reopen(state, position), `Back to step ${position + 1}.`),
        askAgain: (state) => ({ state: withoutCandidates(state), announcement: "Asking again." }),
        receiveCandidates,
    },
    statusOf,
    answersOf: (state) => ({ steps: draftedSteps(state) }),
    submissionOf: (state) => ({ steps: submittedSteps(state) }),
    isBegun: (state) => state.history.length > 0 || draftedSteps(state).length > 0,
    describeCursor(state) {
        const [number, count] = [state.branchSteps.length, candidatesOf(state).length];
        return count ? `Step ${number}, candidate ${state.cursor + 1} of ${count}.` : `Step ${number}.`;
    },
    greeting: ({ branchSteps }) => (branchSteps.length > 1 ? `A task that you have begun, at step ${branchSteps.length}.` : "New task."),
    createView: createBranchingView,
    conflictRows(payload, { steps = [] }) {
        const last = Math.max(-1, ...steps.map(({ position }) => position));
        return Array.from({ length: last + 1 }, (_, position) => ({
            text: `Step ${position + 1}`,
            answer: steps.filter((row) => row.position === position).map(describeRow).join("; ") || null,
        }));
    },
};
