/** What several views share: templates, the problem above the task, and the rating buttons in the action bar. */
import { typesetAnswer } from "../../shared/math.js";
import { createSourceButton, showText } from "../../shared/texts.js";

/** Show the text of a row, with a button that shows it as it was written. */
export function showRowText(row, text) {
    const element = row.querySelector(".step-text");
    showText(element, text);
    const button = createSourceButton(element);
    if (button) row.append(button);
}

/** What the four answers are called on a step or a candidate. */
const STEP_WORDS = { bad: "bad", okay: "okay", great: "great", unsure: "unsure" };

/** A copy of the content of one of the page's <template> elements. */
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** Show the statement, the reference answer where the round shows it, and the topic. */
export function describeProblem(problem, slot) {
    showText(slot("statement"), problem.statement);
    if (problem.reference_answer) typesetAnswer(slot("answer"), problem.reference_answer);
    else slot("reference").remove();
    const level = /^\d+$/.test(problem.level ?? "") ? `level ${problem.level}` : String(problem.level ?? "").toLowerCase();
    const topic = [problem.subject, level].filter(Boolean).join(", ");
    if (topic) slot("topic").textContent = topic;
    else slot("topic").remove();
}

/**
 * Phones have no keys: the action bar has the same answers as buttons. The hints name the keys by the same words.
 * @param {{answer: string|null, label: string, isHidden?: boolean, words?: Record<string, string>}} thumbs
 *   `answer` is the name of the pressed one; `words` are what the answers mean here, where that is not a rating of a step: an
 *   answer without a word cannot be given
 */
export function paintThumbs({ answer, label, isHidden = false, words = STEP_WORDS }) {
    const thumbs = document.getElementById("thumbs");
    thumbs.setAttribute("aria-label", label);
    thumbs.hidden = isHidden;
    for (const thumb of thumbs.children) {
        const word = words[thumb.dataset.answer];
        thumb.setAttribute("aria-pressed", String(thumb.dataset.answer === answer));
        thumb.hidden = !word;
        if (word) thumb.querySelector(".word").textContent = word[0].toUpperCase() + word.slice(1);
    }
    for (const hint of document.querySelectorAll(".hints [data-answer-hint]")) {
        const word = isHidden ? null : words[hint.dataset.answerHint];
        hint.hidden = !word;
        if (word) hint.querySelector(".word").textContent = word;
    }
}

/** @type {WeakMap<Element, string>} how each row is painted: a key changes one or two of many rows */
const looks = new WeakMap();

/** Mark a row as the current one and show which answer is pressed. @param {string|null} answer */
export function paintRow(row, answer, isCurrent, { isOpen = true } = {}) {
    const look = `${answer} ${isCurrent} ${isOpen}`;
    if (looks.get(row) === look) return;
    looks.set(row, look);
    row.classList.toggle("unreached", !isOpen);
    row.classList.toggle("here", isCurrent);
    if (isCurrent) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    if (answer) row.dataset.rating = answer;
    else delete row.dataset.rating;
    for (const face of row.querySelectorAll(".face")) {
        face.disabled = !isOpen;
        face.setAttribute("aria-pressed", String(face.dataset.answer === answer));
    }
}

/** Move the keyboard's focus to the element, unless the person uses it outside of the task. */
export function focusWithin(element, target) {
    const focused = document.activeElement;
    if (!focused || focused === document.body || element.contains(focused)) target.focus({ preventScroll: true });
}

// Whoever presses keys faster than this reads no gliding page, and must not wait for its frames.
const QUICK_MS = 250;
let lastScroll = -Infinity;

export function scrollToNearest(target, isSmooth) {
    const isReduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const isQuick = performance.now() - lastScroll < QUICK_MS;
    lastScroll = performance.now();
    target.scrollIntoView({ block: "nearest", behavior: isSmooth && !isReduced && !isQuick ? "smooth" : "instant" });
}
