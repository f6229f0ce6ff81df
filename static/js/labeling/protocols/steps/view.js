/** The steps of a solution as the labeler sees them. Built apart from the page, so that the next task can be prepared. */
import { fitFormulas } from "../../../shared/math.js";
import { answerName } from "../step-answers.js";
import { clone, describeProblem, focusWithin, paintRow, paintThumbs, scrollToNearest, showRowText } from "../view-parts.js";

/** The solution's own candidate at each position. */
export function pathOf(payload) {
    return payload.steps.map(({ position, candidates }) => ({ position, ...(candidates.find(({ chosen }) => chosen) ?? candidates[0]) }));
}

/**
 * @param {object} payload  the task, as the claim returned it
 * @param {{rate: (index: number, name: string) => void, select: (index: number) => void}} on
 * @param {(list: HTMLElement, rows: HTMLElement[]) => object|null} [createFollowup]  the view of the questions about the bad step
 * @param {(rows: HTMLElement[]) => object|null} [createComments]  the view of the comments on the steps
 */
export function createStepsView(payload, on, createFollowup = () => null, createComments = () => null) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    const path = pathOf(payload);
    describeProblem(payload.problem, slot);
    const estimates = new Map(payload.models?.steps.map((estimate) => [estimate.position, estimate]));
    const rows = path.map((step, index) => buildStep(step, index, path.length, estimates.get(step.position)));
    slot("steps").append(...rows);
    const followup = createFollowup(slot("steps"), rows);
    const comments = createComments(rows);
    slot("steps").addEventListener("click", (event) => {
        const row = event.target.closest(".step");
        if (row && !rows.includes(row)) return; // The questions about the error have listeners of their own.
        const index = rows.indexOf(row);
        const face = event.target.closest("[data-answer]");
        if (face) on.rate(index, face.dataset.answer);
        // Marking text with the mouse is reading, not choosing a step.
        else if (row && getSelection().isCollapsed) on.select(index);
    });

    return {
        element,
        paint(state, status) {
            const nameAt = (index) => index < status.ratedCount ? answerName(state.answers[index]) : null;
            rows.forEach((row, index) => {
                const isCurrent = index === state.cursor && state.followupCursor == null;
                paintRow(row, nameAt(index), isCurrent, { isOpen: index < status.openCount });
            });
            followup?.paint(state, status);
            comments?.paint(state, status);
            paintThumbs(followup?.thumbs(state) ?? { answer: nameAt(state.cursor), label: `Rate step ${state.cursor + 1}` });
        },
        /** Scroll to the cursor's row, and move the focus there unless it is in use elsewhere. */
        reveal(state, { isSmooth = true } = {}) {
            const row = comments?.target(state) ?? followup?.target(state) ?? rows[state.cursor];
            if (state.isWriting || state.isCommenting) row.focus({ preventScroll: true });
            else focusWithin(element, row);
            scrollToNearest(row, isSmooth);
        },
        fit: () => fitFormulas(element),
    };
}

function buildStep(step, index, count, estimate) {
    const row = clone("step-template");
    showRowText(row, step.text);
    describeEstimate(row.querySelector(".models"), estimate);
    row.querySelector(".n").textContent = index + 1;
    row.querySelector(".faces").setAttribute("aria-label", `Rating of step ${index + 1} of ${count}`);
    return row;
}

/** In verify mode: the models' label of a step. The server computes it: a tree search may use more than this step's rollouts. */
function describeEstimate(place, estimate) {
    if (!estimate || estimate.hard === null) return place.remove();
    const { rollouts, successes, hard } = estimate;
    const reason = rollouts && successes !== null ? `${successes} of ${rollouts} rollouts reached the answer`
        : `the answer is ${hard ? "" : "not "}reached from here`;
    place.textContent = `estimated ${hard ? "good" : "bad"}: ${reason}`;
    place.classList.add(hard ? "good" : "bad");
}
