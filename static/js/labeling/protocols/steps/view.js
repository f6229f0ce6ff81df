/** A task as the labeler sees it. Built apart from the page, so that the next task stands ready to be shown. */
import { fitFormulas, typeset, typesetAnswer } from "../../../shared/math.js";
import { clone } from "../../templates.js";
import { ANSWERS } from "./state.js";

/** The name ("bad", "okay", ...) of an answer, or null. */
export function nameOfAnswer(answer) {
    if (!answer) return null;
    return Object.keys(ANSWERS).find((name) => ANSWERS[name].rating === answer.rating && ANSWERS[name].unsure === answer.unsure);
}

/** The candidate of each position that this protocol asks about. */
export function pathOf(sheet) {
    return sheet.steps.map(({ position, candidates }) => ({ position, ...(candidates.find((one) => one.chosen) ?? candidates[0]) }));
}

/**
 * @param {object} sheet  what the claim gave
 * @param {{rate: (index: number, name: string) => void, select: (index: number) => void}} on
 */
export function createTaskView(sheet, on, aftermath = () => null) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    const path = pathOf(sheet);
    describe(sheet.problem, slot);
    const said = new Map(sheet.models?.steps.map((word) => [word.position, word]));
    const rows = path.map((step, index) => buildStep(step, index, path.length, said.get(step.position)));
    slot("steps").append(...rows);
    const after = aftermath(slot("steps"), rows);
    slot("steps").addEventListener("click", (event) => {
        const row = event.target.closest(".step");
        if (row && !rows.includes(row)) return; // What follows the error listens for itself.
        const index = rows.indexOf(row);
        const face = event.target.closest("[data-answer]");
        if (face) on.rate(index, face.dataset.answer);
        // Whoever marks text with the mouse is reading, not choosing a step.
        else if (row && getSelection().isCollapsed) on.select(index);
    });

    return {
        element,
        paint(walk, standing) {
            rows.forEach((row, index) => paintStep(row, {
                answer: index < standing.live ? nameOfAnswer(walk.answers[index]) : null,
                isOpen: index < standing.open,
                isHere: index === walk.cursor && walk.place == null,
            }));
            after?.paint(walk, standing);
            const answer = walk.cursor < standing.live ? nameOfAnswer(walk.answers[walk.cursor]) : null;
            const thumb = after?.thumb(walk) ?? { answer, label: `Rate step ${walk.cursor + 1}` };
            paintThumbs(thumb.answer, thumb.label, thumb.isOff);
        },
        /** Bring the step at hand into view, and the keyboard's focus with it unless that is at work elsewhere. */
        reveal(walk, { isSmooth = true } = {}) {
            const row = after?.target(walk) ?? rows[walk.cursor];
            const focused = document.activeElement;
            if (walk.writing) row.focus({ preventScroll: true });
            else if (!focused || focused === document.body || element.contains(focused)) row.focus({ preventScroll: true });
            row.scrollIntoView({ block: "nearest", behavior: isSmooth && !isStill() ? "smooth" : "instant" });
        },
        fit: () => fitFormulas(element),
    };
}

export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A phone has no keys: the same answers stand as buttons at the foot. */
export function paintThumbs(answer, label, isOff = false) {
    const thumbs = document.getElementById("thumbs");
    thumbs.setAttribute("aria-label", label);
    thumbs.hidden = isOff;
    for (const thumb of thumbs.children) thumb.setAttribute("aria-pressed", String(thumb.dataset.answer === answer));
}

/** The problem over a task: its statement, the reference answer where the round shows it, and its topic. */
export function describe(problem, slot) {
    typeset(slot("statement"), problem.statement);
    if (problem.reference_answer) typesetAnswer(slot("answer"), problem.reference_answer);
    else slot("reference").remove();
    const level = /^\d+$/.test(problem.level ?? "") ? `level ${problem.level}` : String(problem.level ?? "").toLowerCase();
    const topic = [problem.subject, level].filter(Boolean).join(", ");
    if (topic) slot("topic").textContent = topic;
    else slot("topic").remove();
}

/** In verify mode: what models say of a step. The label is the server's: a search may go by more than this step's rollouts. */
function describeWord(place, word) {
    if (!word || word.hard === null) return place.remove();
    const { rollouts, successes, hard } = word;
    const seen = rollouts && successes !== null ? `${successes} of ${rollouts} rollouts reach the answer`
        : `the answer is ${hard ? "" : "not "}reached from here`;
    place.textContent = `called ${hard ? "good" : "bad"}: ${seen}`;
    place.classList.add(hard ? "good" : "bad");
}

function buildStep(step, index, count, word) {
    const row = clone("step-template");
    typeset(row.querySelector(".step-text"), step.text);
    describeWord(row.querySelector(".models"), word);
    row.querySelector(".n").textContent = index + 1;
    row.querySelector(".faces").setAttribute("aria-label", `Rating of step ${index + 1} of ${count}`);
    return row;
}

function paintStep(row, { answer, isOpen, isHere }) {
    row.classList.toggle("here", isHere);
    row.classList.toggle("unreached", !isOpen);
    if (isHere) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    if (answer) row.dataset.rating = answer;
    else delete row.dataset.rating;
    for (const face of row.querySelectorAll(".face")) {
        face.disabled = !isOpen;
        face.setAttribute("aria-pressed", String(face.dataset.answer === answer));
    }
}
