/** The section below the bad step: alternatives, progress, critiques, and the labeler's own critique. */
import { fitFormulas } from "../../../shared/math.js";
import { showText } from "../../../shared/texts.js";
import { clone, paintRow, showRowText } from "../view-parts.js";
import { errorPosition, itemAnswer, itemsOf, questionsAt } from "./followup.js";

const LABELS = {
    alternative: (index) => `Alternative ${index + 1}`,
    progress: () => "How far the solution came before this step",
    critique: (index) => `Critique ${index + 1}`,
};
/** What the answers mean for each kind of item: its buttons, a phone's thumbs and the hints have these words. */
const WORDS = {
    alternative: { bad: "also bad", okay: "okay instead", great: "great instead", unsure: "unsure" },
    progress: { bad: "nowhere", okay: "part of the way", great: "nearly there" },
    critique: { bad: "wrong", okay: "partly right", great: "right" },
};

/** @param {{list: HTMLElement, rows: HTMLElement[], act: Function, ask: (position: number) => void}} needs */
export function createFollowupView({ list, rows, act, ask }) {
    let built = null; // {position, questions, element, items}

    function paint(state, status) {
        const position = errorPosition(state, status);
        if (position === null) return remove();
        const questions = questionsAt(state, position);
        if (!questions) ask(position);
        if (!built || built.questions !== questions || built.position !== position) build(state, status, position, questions);
        built.element.querySelector('[data-slot="waiting"]').hidden = Boolean(questions);
        built.items.forEach(({ item, row }, place) => paintItem(row, item, state, place === state.followupCursor));
        paintCritiqueField(built.element.querySelector(".own"), state);
    }

    function remove() {
        built?.element.remove();
        built = null;
    }

    function build(state, status, position, questions) {
        remove();
        const element = clone("followup-template");
        const items = itemsOf(state, status).map((item) => {
            const row = buildItem(item, questions);
            return { item, row, name: row.querySelector(".faces")?.getAttribute("aria-label") ?? "What is wrong with this step" };
        });
        const fill = (slot, kind) => {
            const ofKind = items.filter(({ item }) => item.kind === kind).map(({ row }) => row);
            element.querySelector(`[data-slot="${slot}"]`).append(...ofKind);
            return ofKind.length;
        };
        element.querySelector('[data-part="alternatives"]').hidden = !fill("alternatives", "alternative") && !questions?.problem;
        element.querySelector('[data-part="progress"]').hidden = !fill("progress", "progress");
        element.querySelector('[data-part="critiques"]').hidden = !(fill("critiques", "critique") + fill("critiques", "write"));
        element.querySelector('[data-slot="problem"]').textContent = questions?.problem ?? "";
        items.forEach(({ row }, place) => row.addEventListener("click", (event) => {
            const face = event.target.closest("[data-answer]");
            if (face) act("answerItem", place, face.dataset.answer);
            else if (event.target.closest("[data-act=write]")) act("write");
            else if (getSelection().isCollapsed) act("goToItem", place);
        }));
        listenToCritiqueField(element.querySelector(".own"), act);
        rows[status.firstBad].after(element);
        fitFormulas(element);
        built = { position, questions, element, items };
    }

    return {
        paint,
        /** What the thumbs of a phone rate here; null while the cursor is among the steps. */
        thumbs(state) {
            const current = built?.items[state.followupCursor];
            if (!current) return null;
            const { item, name } = current;
            const isHidden = item.kind === "write" || state.isWriting;
            return { answer: itemAnswer(state, item), label: name, isHidden, words: WORDS[item.kind] ?? {} };
        },
        /** The row of the cursor, or the text field while the labeler writes; null when the cursor is among the steps. */
        target(state) {
            if (!built) return null;
            return state.isWriting ? built.element.querySelector("textarea") : built.items[state.followupCursor]?.row ?? null;
        },
    };
}

function buildItem(item, questions) {
    if (item.kind === "write") return clone("write-template");
    const row = clone("item-template");
    const listed = item.kind === "alternative" ? questions.alternatives : questions.critiques;
    const index = listed.findIndex((one) => (item.kind === "alternative" ? one.candidate === item.candidate : one.id === item.id));
    row.querySelector(".faces").setAttribute("aria-label", LABELS[item.kind](index));
    if (item.kind === "progress") row.querySelector(".step-text").textContent = "Nowhere, part of the way, or nearly there.";
    else showRowText(row, listed[index].text);
    labelFaces(row, WORDS[item.kind]);
    const badge = row.querySelector(".badge");
    badge.hidden = item.kind !== "critique";
    badge.textContent = listed[index]?.origin === "model" ? "by a model" : "by a person";
    return row;
}

/** The buttons are named by what they mean for the item, and an answer that it cannot have has none. */
function labelFaces(row, words) {
    for (const face of row.querySelectorAll(".face")) {
        const word = words[face.dataset.answer];
        if (!word) face.remove();
        else {
            face.setAttribute("aria-label", word);
            face.title = word[0].toUpperCase() + word.slice(1);
        }
    }
}

function paintItem(row, item, state, isCurrent) {
    paintRow(row, itemAnswer(state, item), isCurrent);
    row.classList.toggle("here", isCurrent && !state.isWriting);
    if (item.kind !== "write") return;
    const text = state.followup.text.trim();
    if (row.dataset.text === text) return;
    row.dataset.text = text;
    showText(row.querySelector(".step-text"), text);
}

/** Escape and Ctrl+Enter lead from the text field back to the keys. */
function listenToCritiqueField(own, act) {
    const field = own.querySelector("textarea");
    field.addEventListener("input", () => act("type", field.value));
    field.addEventListener("keydown", (event) => {
        if (event.isComposing) return;
        if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
        act("leave");
        event.preventDefault();
        event.stopPropagation();
    });
    own.querySelector("[data-act=leave]").addEventListener("click", () => act("leave"));
}

function paintCritiqueField(own, state) {
    const field = own.querySelector("textarea");
    if (!state.isWriting && document.activeElement === field) field.blur();
    own.hidden = !state.isWriting;
    if (field.value !== state.followup.text) field.value = state.followup.text;
}
