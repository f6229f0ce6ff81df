/**
 * A branching task as the labeler sees it: the chosen steps as text, the candidates of the open position as cards, and the
 * labeler's own step. It asks the server for candidates: of the open position, and ahead of time of the likely next one.
 */
import { fitFormulas } from "../../../shared/math.js";
import { showText } from "../../../shared/texts.js";
import { pollWhileBusy } from "../../sync/poll.js";
import { answerName } from "../step-answers.js";
import { clone, describeProblem, focusWithin, paintRow, paintThumbs, scrollToNearest, showRowText } from "../view-parts.js";
import {
    bestChoice, candidateSetAt, candidatesOf, choicesOf, isChoosable, isEnded, keyOf, needsCandidates, openStep, textAt,
} from "./state.js";

/** @param {{post: (path: string, body: object) => Promise<object>}} tools  repeats a request until there is a response */
export function createBranchingView(payload, act, tools) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    describeProblem(payload.problem, slot);
    const list = slot("candidates");
    const own = createOwnStep(slot("own"), act);
    const paintChosen = createChosenSteps(slot("path"));
    const asked = new Set();
    let shown = null;
    let rows = [];

    element.addEventListener("click", (event) => {
        const target = (selector) => event.target.closest(selector);
        const index = rows.indexOf(target(".step"));
        if (target("[data-answer]")) act(target("[data-answer]").dataset.answer, index);
        else if (target("[data-choose]")) act("choose", index);
        else if (target("[data-reopen]")) act("reopen", Number(target("[data-reopen]").dataset.reopen));
        else if (target("[data-act]")) act(target("[data-act]").dataset.act);
        else if (index >= 0 && getSelection().isCollapsed) act("go", index);
    });

    /** Ask once for each list of choices; the response is kept under them, wherever the labeler is by then. */
    async function ask(choices, goesOn = false) {
        const key = keyOf(choices);
        if (asked.has(key + goesOn)) return;
        asked.add(key + goesOn);
        let response;
        try {
            response = await pollWhileBusy(tools.post, `/assignments/${payload.id}/candidates`, { chosen: choices, goes_on: goesOn });
        } catch (error) {
            response = { candidates: [], own: 0, ended: false, problem: error.message };
        }
        if (response.problem) asked.delete(key + goesOn);
        const set = { ...response, isAskedToGoOn: goesOn };
        // Until the task is shown, `act` does nothing: the payload keeps the candidates for `start`.
        payload.candidateSets = { ...payload.candidateSets, [key]: set };
        act("receiveCandidates", payload.id, key, set);
    }

    function askAhead(state) {
        const choice = bestChoice(state);
        const likely = candidatesOf(state).find(({ candidate }) => candidate === choice);
        if (!likely || likely.is_final || openStep(state).answers[choice]?.rating !== 1) return;
        const choices = [...choicesOf(state), { candidate: choice }];
        if (!state.candidateSets[keyOf(choices)]) ask(choices);
    }

    if (!payload.draft.steps.length && !payload.steps.length) ask([]);

    return {
        element,
        paint(state, status) {
            if (needsCandidates(state)) ask(choicesOf(state), openStep(state).goesOn && Boolean(candidateSetAt(state)?.ended));
            askAhead(state);
            const candidates = candidatesOf(state);
            if (candidates !== shown && !(shown?.length === 0 && candidates.length === 0)) {
                shown = candidates;
                rows = candidates.map((candidate, index) => buildCandidate(candidate, index, candidates.length));
                list.replaceChildren(...rows);
                fitFormulas(list);
            }
            paintChosen(state);
            paintNotes(slot, state, status);
            rows.forEach((row, index) => paintCandidate(row, candidates[index], state, index));
            own.paint(state);
            list.hidden = !candidates.length;
            const answer = answerName(openStep(state).answers[candidates[state.cursor]?.candidate]);
            paintThumbs({ answer, label: `Rate candidate ${state.cursor + 1}`, isHidden: !candidates.length || state.isWriting });
        },
        reveal(state, { isSmooth = true } = {}) {
            const target = state.isWriting ? own.element : rows[state.cursor] ?? slot("state");
            if (state.isWriting) own.focus();
            else focusWithin(element, target);
            scrollToNearest(target, isSmooth);
        },
        fit: () => fitFormulas(element),
    };
}

/** The chosen steps. Those that have not changed are left alone: they are typeset already. */
function createChosenSteps(list) {
    const shown = [];
    return (state) => {
        const chosenSteps = state.branchSteps.slice(0, -1);
        const steps = chosenSteps.map(({ chosen }, position) => ({ text: textAt(state, position), isOwn: chosen === "own" }));
        const changed = steps.findIndex((step, index) => step.text !== shown[index]?.text || step.isOwn !== shown[index]?.isOwn);
        const from = changed < 0 ? steps.length : changed;
        shown.splice(from).forEach(({ row }) => row.remove());
        for (const step of steps.slice(from)) {
            const row = buildChosenStep(step, shown.length);
            list.append(row);
            fitFormulas(row);
            shown.push({ ...step, row });
        }
        list.hidden = !shown.length;
    };
}

function buildChosenStep({ text, isOwn }, position) {
    const row = clone("chosen-step-template");
    row.querySelector(".n").textContent = position + 1;
    showRowText(row, text);
    row.querySelector(".badge").hidden = !isOwn;
    const back = row.querySelector("[data-reopen]");
    back.dataset.reopen = position;
    back.setAttribute("aria-label", `Go back to step ${position + 1}`);
    return row;
}

function buildCandidate({ text, is_final: isFinal }, index, count) {
    const row = clone("step-template");
    showRowText(row, text);
    row.querySelector(".n").textContent = index + 1;
    row.querySelector(".faces").setAttribute("aria-label", `Rating of candidate ${index + 1} of ${count}`);
    row.querySelector("[data-choose]").setAttribute("aria-label", `Choose candidate ${index + 1}`);
    row.querySelector(".final").hidden = !isFinal;
    return row;
}

function paintCandidate(row, { candidate }, state, index) {
    paintRow(row, answerName(openStep(state).answers[candidate]), index === state.cursor && !state.isWriting);
    row.classList.toggle("best", bestChoice(state) === candidate);
    row.querySelector("[data-choose]").hidden = !isChoosable(state, candidate);
}

/** The heading of the open position, and what is shown instead of candidates. */
function paintNotes(slot, state, status) {
    const number = state.branchSteps.length;
    const problem = candidateSetAt(state)?.problem ?? "";
    const isWaiting = needsCandidates(state);
    slot("title").textContent = isEnded(state) ? "The answer is stated" : `Step ${number}`;
    slot("waiting").hidden = !isWaiting;
    slot("problem").hidden = isWaiting || isEnded(state) || !problem;
    slot("problem-text").textContent = problem;
    slot("ended").hidden = !isEnded(state);
    slot("candidates").setAttribute("aria-label", `Candidates for step ${number}`);
    slot("own-open").hidden = !state.canWrite || isWaiting || isEnded(state) || state.isWriting;
    slot("own-open").disabled = !status.canWriteOwn;
}

/** The labeler's own step: a text field with a typeset preview below. */
function createOwnStep(element, act) {
    const field = element.querySelector("textarea");
    const preview = element.querySelector('[data-slot="preview"]');
    let previewed = null;
    field.addEventListener("input", () => act("type", field.value));
    field.addEventListener("keydown", (event) => {
        if (event.isComposing) return;
        if (event.key === "Escape") act("leave");
        else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) act("takeOwn");
        else return;
        event.preventDefault();
        event.stopPropagation();
    });
    return {
        element,
        focus: () => document.activeElement === field || field.focus({ preventScroll: true }),
        paint(state) {
            const { text } = openStep(state);
            if (!state.isWriting && document.activeElement === field) field.blur();
            element.hidden = !state.isWriting;
            if (field.value !== text) field.value = text;
            if (previewed === text) return;
            previewed = text;
            showText(preview, text);
            preview.parentElement.hidden = !text.trim();
        },
    };
}
