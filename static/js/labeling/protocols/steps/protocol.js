/** The protocols whose steps are rated one after the other: `first_error` and `every_step`. */
import { pollWhileBusy } from "../../sync/poll.js";
import { ANSWERS, answerIn, answerName } from "../step-answers.js";
import {
    NO_FOLLOWUP, answerItem, asksFollowup, errorPosition, followupAnswers, itemsOf, missingFollowup, missingItem, startFollowup,
} from "./followup.js";
import { createCommentsView } from "./comments-view.js";
import { createFollowupView } from "./followup-view.js";
import { adopt, historyWith, moveTo, rate, ratedSteps, start, statusOf as statusOfSteps, undo, writeComment } from "./state.js";
import { createStepsView, pathOf } from "./view.js";

/** The status of the steps, and of what the round asks about the bad one. */
function statusOf(state) {
    const status = statusOfSteps(state);
    const missing = state.followup ? missingFollowup(state, status) : "";
    return missing ? { ...status, canSubmit: false, finishReason: null, message: missing } : status;
}

/** Answer the step by index; without one, the item under the cursor: a step, or a question about the bad one. */
function answer(state, name, index) {
    if (index === undefined && state.followupCursor !== null) return answerFollowup(state, state.followupCursor, name);
    const pointed = moveTo(state, index ?? state.cursor);
    if (pointed.cursor !== (index ?? state.cursor)) return null;
    const announcement = `Step ${pointed.cursor + 1} ${name}.`;
    const rated = { ...rate(pointed, ANSWERS[name]), followupCursor: null, isCommenting: false };
    if (!state.followup) return { state: rated, announcement };
    const isSameError = errorPosition(rated, statusOfSteps(rated)) === errorPosition(state, statusOfSteps(state));
    return { state: moveToFollowup(isSameError ? rated : { ...rated, followup: NO_FOLLOWUP }), announcement };
}

/** Once the error is found, the cursor moves to the questions about it. */
function moveToFollowup(state) {
    return itemsOf(state, statusOfSteps(state)).length ? { ...state, followupCursor: 0 } : state;
}

function answerFollowup(state, place, name) {
    const items = itemsOf(state, statusOfSteps(state));
    const followup = items[place] && answerItem(state.followup, items[place], ANSWERS[name]);
    if (!followup) return null;
    const followupCursor = Math.min(place + 1, items.length - 1);
    return { state: { ...state, followup, history: historyWith(state), followupCursor }, announcement: `${name}.` };
}

function go(state, index) {
    return index < statusOfSteps(state).openCount ? { state: { ...moveTo(state, index), followupCursor: null, isWriting: false, isCommenting: false } } : null;
}

/** Down from the last open step leads to the questions about it, and up from the first question leads back. */
function moveBy(state, offset) {
    const items = itemsOf(state, statusOfSteps(state));
    if (state.followupCursor === null) {
        const isLast = state.cursor === statusOfSteps(state).openCount - 1;
        return offset > 0 && isLast && items.length ? { state: { ...state, followupCursor: 0 } } : go(state, state.cursor + offset);
    }
    const followupCursor = state.followupCursor + offset;
    if (followupCursor < 0) return { state: { ...state, followupCursor: null } };
    return followupCursor < items.length ? { state: { ...state, followupCursor } } : null;
}

function write(state) {
    const place = itemsOf(state, statusOfSteps(state)).findIndex(({ kind }) => kind === "write");
    if (place < 0) return null;
    return { state: { ...state, followupCursor: place, isWriting: true, isCommenting: false }, announcement: "Write what is wrong. Press Escape to go back." };
}

/** A comment on the step under the cursor, or on another one that is open. */
function comment(state, index = state.cursor) {
    const pointed = moveTo(state, index);
    if (pointed.cursor !== index) return null;
    const announcement = `Comment on step ${index + 1}. Press Escape to go back.`;
    return { state: { ...pointed, followupCursor: null, isWriting: false, isCommenting: true }, announcement };
}

/** What is missing gets the cursor: the first open step without an answer, else the first open question about the error. */
function goToMissing(state) {
    const status = statusOfSteps(state);
    if (!status.canSubmit) return { state: { ...moveTo(state, status.ratedCount), followupCursor: null, isCommenting: false } };
    const place = state.followup ? missingItem(state, status) : -1;
    return place < 0 ? null : { state: { ...state, followupCursor: place, isCommenting: false } };
}

function receiveQuestions(state, id, questions) {
    if (id !== state.id) return null;
    const next = { ...state, followupQuestions: { ...state.followupQuestions, [questions.position]: questions } };
    if (questions.position !== errorPosition(state, statusOfSteps(state))) return { state: next, isQuiet: true };
    return { state: moveToFollowup(next), announcement: "Questions about this step." };
}

/** Ask the server for its questions about a bad step, once for each position. */
function createAsker(payload, act, tools) {
    const asked = new Set();
    return async (position) => {
        if (asked.has(position)) return;
        asked.add(position);
        let questions;
        try {
            questions = await pollWhileBusy(tools.post, `/assignments/${payload.id}/alternatives`, { position });
        } catch (error) {
            questions = { position, alternatives: [], critiques: [], problem: error.message };
        }
        act("receiveQuestions", payload.id, questions);
    };
}

/** A Protocol, as `../index.js` describes it. */
export const stepsProtocol = {
    commands: {
        bad: { key: "1", label: "The step is bad" },
        okay: { key: "2", label: "The step is okay" },
        great: { key: "3", label: "The step is great" },
        unsure: { key: "4", label: "I am not sure" },
        next: { key: "j", also: "ArrowDown", label: "Next step", repeats: true },
        previous: { key: "k", also: "ArrowUp", label: "Previous step", repeats: true },
        write: { key: "w", label: "Write what is wrong, where the round asks for it" },
        comment: { key: "c", label: "Comment on the step, for reviewers" },
    },
    start(payload, answers, options) {
        const path = pathOf(payload).map(({ position, candidate }) => ({ position, candidate }));
        const followup = startFollowup(options, answers, path);
        const more = { id: payload.id, options, followupQuestions: {}, followupCursor: null, isWriting: false, isCommenting: false, followup };
        return start(payload.protocol, path, answers.steps, more);
    },
    adopt: (state, answers) => ({
        ...state, ...adopt(state, answers.steps ?? []), followupCursor: null, isWriting: false, isCommenting: false,
        followup: startFollowup(state.options, answers, state.steps),
    }),
    undo,
    actions: {
        ...Object.fromEntries(Object.keys(ANSWERS).map((name) => [name, (state, index) => answer(state, name, index)])),
        go,
        next: (state) => moveBy(state, 1),
        previous: (state) => moveBy(state, -1),
        goToItem: (state, place) => ({ state: { ...state, followupCursor: place, isWriting: false, isCommenting: false } }),
        goToMissing,
        comment,
        typeComment: (state, text) => ({ state: writeComment(state, text), isQuiet: true }),
        leaveComment: (state) => ({ state: { ...state, isCommenting: false }, announcement: "Back to the steps." }),
        answerItem: (state, place, name) => answerFollowup(state, place, name),
        write,
        type: (state, text) => ({ state: { ...state, followup: { ...state.followup, text } }, isQuiet: true }),
        leave: (state) => ({ state: { ...state, isWriting: false }, announcement: "Back." }),
        receiveQuestions,
    },
    statusOf,
    answersOf(state) {
        const followup = state.followup ? followupAnswers(state, statusOfSteps(state)) : { steps: [] };
        return { ...followup, steps: [...ratedSteps(state), ...followup.steps] };
    },
    isBegun: (state) => state.history.length > 0 || state.answers.some(Boolean) || state.comments.some(Boolean),
    describeCursor: (state) => state.followupCursor === null
        ? `Step ${state.cursor + 1} of ${state.steps.length}.`
        : `About step ${state.cursor + 1}, ${state.followupCursor + 1} of ${itemsOf(state, statusOfSteps(state)).length}.`,
    greeting: ({ steps }) => `New task, ${steps.length} ${steps.length === 1 ? "step" : "steps"}.`,
    createView(payload, act, tools) {
        const on = { rate: (index, name) => act(name, index), select: (index) => act("go", index) };
        const createFollowup = (list, rows) => createFollowupView({ list, rows, act, ask: createAsker(payload, act, tools) });
        return createStepsView(payload, on, asksFollowup(tools.options) ? createFollowup : undefined, (rows) => createCommentsView(rows, act));
    },
    conflictRows(payload, answers) {
        const path = pathOf(payload);
        const rowAt = ({ position, candidate }) => answers.steps?.find((row) => row.position === position && row.candidate === candidate);
        return [
            ...path.map((step, index) => ({ text: `${index + 1}. ${step.text}`, answer: answerName(answerIn(rowAt(step))) })),
            ...path.map((step, index) => ({ text: `Comment on step ${index + 1}`, answer: rowAt(step)?.comment || null, isOptional: true })),
        ];
    },
};
