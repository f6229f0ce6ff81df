/** Two sides as the labeler sees them: first the steps that both share, then side by side, and the scale in the action bar. */
import { fitFormulas } from "../../../shared/math.js";
import { clone, describeProblem, showRowText } from "../view-parts.js";
import { placeOf } from "./state.js";

const SIDES = ["left", "right"];

/**
 * @param {object} payload  the task, as the claim returned it
 * @param {(name: string, ...given: any) => void} act
 */
export function createComparisonView(payload, act) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    const { comparison } = payload;
    describeProblem(payload.problem, slot);
    describeShared(payload.steps, slot);
    const columns = Object.fromEntries(SIDES.map((side) => [side, element.querySelector(`.side[data-side="${side}"]`)]));
    for (const side of SIDES) fill(columns[side].querySelector("ol"), comparison[side].steps);
    const switches = [...element.querySelectorAll(".side-switch [data-side]")];
    for (const button of switches) button.addEventListener("click", () => act("show", button.dataset.side));
    const rationale = prepareRationale(slot, comparison.rationale, act);
    let rationaleRequests = 0;
    let scaleRequests = 0;

    return {
        element,
        paint(state) {
            for (const side of SIDES) {
                columns[side].classList.toggle("preferred", state.preference.choice === side);
                columns[side].classList.toggle("turned-away", state.shown !== side);
            }
            for (const button of switches) paintSwitch(button, state);
            if (rationale && rationale.value !== state.preference.rationale) rationale.value = state.preference.rationale;
            paintScale(state.preference);
        },
        /** Focus the rationale when the labeler asked for it; else only the keyboard's focus comes along. */
        reveal(state) {
            if (state.rationaleRequests > rationaleRequests) {
                rationaleRequests = state.rationaleRequests;
                rationale?.focus();
                return;
            }
            if (state.scaleRequests > scaleRequests) {
                scaleRequests = state.scaleRequests;
                document.getElementById("thumbs").focus();
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
        showRowText(row, text);
        row.querySelector(".n").textContent = position + 1;
        return row;
    }));
}

/** The text field, or null where the round has no rationale. Escape leads back to the keys, Ctrl+Enter submits. */
function prepareRationale(slot, rule, act) {
    if (rule === "off") return slot("rationale").remove(), null;
    slot("rule").textContent = rule === "required" ? "" : "(optional)";
    const field = slot("rationale").querySelector("textarea");
    field.required = rule === "required";
    field.addEventListener("input", () => act("write", field.value));
    field.addEventListener("keydown", (event) => {
        const isSubmit = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat;
        if ((event.key !== "Escape" && !isSubmit) || event.isComposing) return;
        event.preventDefault();
        field.blur();
        if (isSubmit) document.getElementById("submit").click();
    });
    return field;
}

function paintScale(preference) {
    const place = placeOf(preference);
    for (const button of document.querySelectorAll("#thumbs [data-answer]")) {
        button.setAttribute("aria-pressed", String(button.dataset.answer === place));
    }
}
