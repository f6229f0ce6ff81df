/** The section under the bad step: alternatives, progress, critiques, and the labeler's own critique. */
import { fitFormulas, typeset } from "../../../shared/math.js";
import { clone } from "../../templates.js";
import { answerOf, errorOf, foundAt, itemsOf } from "./followup.js";

const LABELS = {
    alternative: (index) => `Alternative ${index + 1}`,
    progress: () => "How far the solution came before this step",
    critique: (index) => `Critique ${index + 1}`,
};

/** @param {{list: HTMLElement, rows: HTMLElement[], act: Function, ask: (position: number) => void}} needs */
export function createAftermathView({ list, rows, act, ask }) {
    let built = null; // {found, element, items}

    function paint(walk, standing) {
        const error = errorOf(walk, standing);
        if (error === null) return remove();
        const found = foundAt(walk, error);
        if (!found) ask(error);
        if (!built || built.found !== found || built.error !== error) build(walk, standing, error, found);
        built.element.querySelector('[data-slot="waiting"]').hidden = Boolean(found);
        built.items.forEach(({ item, row }, place) => paintItem(row, item, walk, place === walk.place));
        paintOwn(built.element.querySelector(".own"), walk);
    }

    function remove() {
        built?.element.remove();
        built = null;
    }

    function build(walk, standing, error, found) {
        remove();
        const element = clone("aftermath-template");
        const items = itemsOf(walk, standing).map((item) => ({ item, row: buildItem(item, found) }));
        const put = (kind, slot) => {
            const own = items.filter(({ item }) => item.kind === kind).map(({ row }) => row);
            element.querySelector(`[data-slot="${slot}"]`).append(...own);
            return own.length;
        };
        element.querySelector('[data-part="alternatives"]').hidden = !put("alternative", "alternatives") && !found?.problem;
        element.querySelector('[data-part="progress"]').hidden = !put("progress", "progress");
        element.querySelector('[data-part="critiques"]').hidden = !(put("critique", "critiques") + put("write", "critiques"));
        element.querySelector('[data-slot="problem"]').textContent = found?.problem ?? "";
        items.forEach(({ row }, place) => row.addEventListener("click", (event) => {
            const face = event.target.closest("[data-answer]");
            if (face) act("answerItem", place, face.dataset.answer);
            else if (event.target.closest("[data-act=write]")) act("write");
            else if (getSelection().isCollapsed) act("goItem", place);
        }));
        wireOwn(element.querySelector(".own"), act);
        rows[standing.bad].after(element);
        fitFormulas(element);
        built = { error, found, element, items };
    }

    return {
        paint,
        /** What the thumbs of a phone rate here; null while the cursor is among the steps. */
        thumb: (walk) => {
            const at = built?.items[walk.place];
            return at ? { answer: answerOf(walk, at.item), label: "Rate what is marked", isOff: at.item.kind === "write" || walk.writing } : null;
        },
        /** The row of the cursor, or the text field while the labeler writes; null when neither is here. */
        target(walk) {
            if (!built) return null;
            return walk.writing ? built.element.querySelector("textarea") : built.items[walk.place]?.row ?? null;
        },
    };
}

function buildItem(item, found) {
    if (item.kind === "write") return clone("write-template");
    const row = clone("item-template");
    const among = item.kind === "alternative" ? found.alternatives : found.critiques;
    const index = among.findIndex((one) => (item.kind === "alternative" ? one.candidate === item.candidate : one.id === item.id));
    const label = LABELS[item.kind](index);
    row.querySelector(".faces").setAttribute("aria-label", label);
    if (item.kind === "progress") describeProgress(row);
    else typeset(row.querySelector(".step-text"), among[index].text);
    if (item.kind !== "alternative") row.querySelector(".unsure").remove();
    const badge = row.querySelector(".badge");
    badge.hidden = item.kind !== "critique";
    badge.textContent = among[index]?.origin === "model" ? "a model says" : "a person says";
    return row;
}

/** The same three answers, by what they mean here. */
function describeProgress(row) {
    row.querySelector(".step-text").textContent = "Nowhere, some of the way, or nearly there.";
    const words = { bad: "nowhere", okay: "some of the way", great: "nearly there" };
    for (const [name, says] of Object.entries(words)) {
        const face = row.querySelector(`[data-answer="${name}"]`);
        face.setAttribute("aria-label", says);
        face.title = says;
    }
}

function paintItem(row, item, walk, isHere) {
    const answer = answerOf(walk, item);
    row.classList.toggle("here", isHere && !walk.writing);
    if (isHere) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    if (answer) row.dataset.rating = answer;
    else delete row.dataset.rating;
    for (const face of row.querySelectorAll(".face")) face.setAttribute("aria-pressed", String(face.dataset.answer === answer));
    if (item.kind !== "write") return;
    const text = walk.extras.text.trim();
    if (row.dataset.text === text) return;
    row.dataset.text = text;
    typeset(row.querySelector(".step-text"), text);
}

function wireOwn(own, act) {
    const field = own.querySelector("textarea");
    field.addEventListener("input", () => act("typed", field.value));
    field.addEventListener("keydown", (event) => {
        if (event.isComposing) return;
        if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
        act("leave");
        event.preventDefault();
        event.stopPropagation();
    });
    own.querySelector("[data-act=leave]").addEventListener("click", () => act("leave"));
}

function paintOwn(own, walk) {
    const field = own.querySelector("textarea");
    if (!walk.writing && document.activeElement === field) field.blur();
    own.hidden = !walk.writing;
    if (field.value !== walk.extras.text) field.value = walk.extras.text;
}
