/** Two sides as the labeler sees them: what both begin with once, then side by side, and the scale at the foot. */
import { fitFormulas, typeset } from "../../../shared/math.js";
import { describe } from "../steps/view.js";
import { clone } from "../../templates.js";
import { placeOf } from "./state.js";

const SIDES = ["left", "right"];

/**
 * @param {object} sheet  what the claim gave
 * @param {(name: string, ...given: any) => void} act
 */
export function createSidesView(sheet, act) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    const compared = sheet.comparison;
    describe(sheet.problem, slot);
    describeShared(sheet.steps, slot);
    const columns = Object.fromEntries(SIDES.map((side) => [side, element.querySelector(`.side[data-side="${side}"]`)]));
    for (const side of SIDES) fill(columns[side].querySelector("ol"), compared[side].steps);
    const switches = [...element.querySelectorAll(".side-switch [data-side]")];
    for (const button of switches) button.addEventListener("click", () => act("show", button.dataset.side));
    const text = prepareRationale(slot, compared.rationale, act);
    let asked = 0;

    return {
        element,
        paint(walk) {
            for (const side of SIDES) {
                columns[side].classList.toggle("preferred", walk.preference.choice === side);
                columns[side].classList.toggle("turned-away", walk.shown !== side);
            }
            for (const button of switches) paintSwitch(button, walk);
            if (text && text.value !== walk.preference.rationale) text.value = walk.preference.rationale;
            paintScale(walk.preference);
        },
        /** The rationale when it was asked for; else only the keyboard's focus comes along. */
        reveal(walk) {
            if (walk.asks > asked) {
                asked = walk.asks;
                text?.focus();
                return;
            }
            const focused = document.activeElement;
            if (!focused || focused === document.body) element.focus({ preventScroll: true });
        },
        fit: () => fitFormulas(element),
    };
}

function paintSwitch(button, { shown, preference }) {
    button.setAttribute("aria-pressed", String(button.dataset.side === shown));
    button.classList.toggle("preferred", button.dataset.side === preference.choice);
}

function describeShared(steps, slot) {
    if (!steps.length) return slot("shared").remove();
    fill(slot("prefix"), steps.map(({ position, candidates }) => ({ position, text: candidates[0].text })));
}

function fill(list, steps) {
    list.start = (steps[0]?.position ?? 0) + 1;
    list.append(...steps.map(({ position, text }) => {
        const row = clone("side-step-template");
        typeset(row.querySelector(".step-text"), text);
        row.querySelector(".n").textContent = position + 1;
        return row;
    }));
}

/** The text field, or null where the round asks for no rationale. Escape leads back to the keys, Ctrl+Enter hands in. */
function prepareRationale(slot, rule, act) {
    if (rule === "off") return slot("rationale").remove(), null;
    slot("rule").textContent = rule === "required" ? "" : "(optional)";
    const text = slot("rationale").querySelector("textarea");
    text.required = rule === "required";
    text.addEventListener("input", () => act("write", text.value));
    text.addEventListener("keydown", (event) => {
        const isSend = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat;
        if ((event.key !== "Escape" && !isSend) || event.isComposing) return;
        event.preventDefault();
        text.blur();
        if (isSend) document.getElementById("submit").click();
    });
    return text;
}

/** The scale stands at the foot, under the thumb and under the eyes. */
function paintScale(preference) {
    const place = placeOf(preference);
    for (const button of document.querySelectorAll("#thumbs [data-answer]")) {
        button.setAttribute("aria-pressed", String(button.dataset.answer === place));
    }
}
