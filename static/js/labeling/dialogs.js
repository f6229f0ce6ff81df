/** Questions to the labeler or the reviewer. Each returns a promise of the answer; while a dialog is open the page's keys are off. */
import { keyOf } from "../shared/keys.js";
import { typeset } from "../shared/math.js";

const byId = (id) => document.getElementById(id);

const REASONS = {
    give_up: {
        title: "Give up on this task?",
        lead: "Your ratings so far are submitted with it. A reviewer reads the reason.",
        send: "Give up",
        suggestions: ["Too hard for me", "Takes too long", "I cannot verify a step"],
    },
    skip: {
        title: "Skip this task for now?",
        lead: "It comes back with your ratings when no other task is left. In the meantime others may do it.",
        send: "Skip the task",
        suggestions: ["Too tired for it", "I have to look something up", "It takes long"],
        isOptional: true,
    },
    bad_problem: {
        title: "What is wrong with the problem?",
        lead: "Your ratings so far are submitted with it. The project's managers see the reason.",
        send: "Report the problem",
        suggestions: ["The question is ambiguous", "Something is missing", "The reference answer is wrong", "It cannot be read"],
    },
    return: {
        title: "Return this submission?",
        lead: "The labeler gets the task before any new one, with this note and their ratings.",
        send: "Return",
        suggestions: ["Look again at the first error", "A step is rated too strictly", "A step is rated too leniently", "See the guidelines"],
        question: "What should the labeler check?",
        longest: 2000,
    },
    correct: {
        title: "Save your correction?",
        lead: "Your ratings count in place of the labeler's, under your name. The labeler sees them and this note.",
        send: "Save correction",
        suggestions: ["The error comes earlier", "The error comes later", "There is no error", "This does not follow"],
        question: "A note to the labeler (optional)",
        isOptional: true,
        longest: 2000,
    },
};

export const isDialogOpen = () => document.querySelector("dialog[open]") !== null;

/**
 * Why the labeler stops early: the reason, which may be empty where it is optional, or null when they continue to rate.
 * @param {"give_up"|"skip"|"bad_problem"|"return"|"correct"} kind  the last two ask a reviewer for a note
 * @param {string} [previous]  the reason given last
 */
export async function askReason(kind, previous = "") {
    const { title, lead, send, suggestions, isOptional = false, question = isOptional ? "Why? (optional)" : "Why?", longest = 5000 } = REASONS[kind];
    const dialog = byId("reason");
    const field = byId("reason-text");
    byId("reason-title").textContent = title;
    byId("reason-lead").textContent = lead;
    byId("reason-send").textContent = send;
    byId("suggestions").replaceChildren(...suggestions.map(suggestionButton));
    byId("reason-digits").textContent = `1 to ${suggestions.length}`;
    field.value = previous;
    field.required = !isOptional;
    field.maxLength = longest;
    byId("reason-why").textContent = question;
    field.setCustomValidity("");
    dialog.returnValue = "";
    dialog.showModal();
    // The digits choose a reason, and any other character begins to write one: so the focus is not in the text field.
    byId(isOptional ? "reason-send" : "suggestions").focus();
    if (await closed(dialog) !== "send") return null;
    return field.value.trim() || (isOptional ? "" : null);
}

function suggestionButton(reason, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    const key = document.createElement("kbd");
    key.textContent = index + 1;
    button.append(key, ` ${reason}`);
    button.addEventListener("click", () => {
        addReason(reason);
        byId("reason-text").focus();
    });
    button.dataset.reason = reason;
    return button;
}

function addReason(reason) {
    const field = byId("reason-text");
    const written = field.value.trim();
    if (!written.includes(reason)) field.value = written ? `${written}. ${reason}` : reason;
    field.setCustomValidity("");
}

/** Digits choose a reason, Ctrl+Enter or Cmd+Enter sends, and what else is typed outside of the text field goes into it. */
function takeReasonKey(event) {
    if (event.isComposing) return;
    const field = byId("reason-text");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        if (!event.repeat) byId("reason-send").click();
        return;
    }
    if (event.target === field || event.ctrlKey || event.metaKey || event.altKey) return;
    const chosen = byId("suggestions").children[Number(keyOf(event)) - 1];
    if (chosen) {
        event.preventDefault();
        addReason(chosen.dataset.reason);
        byId("reason-send").focus(); // Enter sends it.
    } else if ((event.key.length === 1 && event.key !== " ") || event.key === "Process") {
        field.focus();
        field.setSelectionRange(field.value.length, field.value.length);
    }
}

function closed(dialog) {
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** Which of two versions to keep: "own" or "saved"; the dialog cannot be cancelled. Rows are the protocol's `conflictRows`. */
export async function askWhichVersion({ own, saved }) {
    const dialog = byId("conflict");
    const rows = own.map((row, index) => [row, saved[index]]).filter(([row, other]) => !row.isOptional || row.answer || other?.answer);
    byId("conflict-rows").replaceChildren(...rows.map(([row, other]) => conflictRow(row, other)));
    dialog.returnValue = "";
    dialog.showModal();
    return await closed(dialog) === "saved" ? "saved" : "own";
}

function conflictRow(own, saved) {
    const row = document.createElement("tr");
    const text = document.createElement("td");
    typeset(text, own.text);
    row.append(text, answerCell(own.answer), answerCell(saved?.answer));
    row.classList.toggle("picked", own.answer !== saved?.answer);
    return row;
}

function answerCell(answer) {
    const cell = document.createElement("td");
    const badge = document.createElement("span");
    badge.className = answer ? `badge ${answer === "great" ? "good" : answer}` : "muted small";
    badge.textContent = answer ?? "not rated";
    cell.append(badge);
    return cell;
}

/** The dialog about an expired sign-in stays open until the person is signed in. */
export function createSignInDialog({ signIn, retry }) {
    const dialog = byId("signed-out");
    byId("signed-out-link").href = signIn;
    byId("signed-out-retry").addEventListener("click", retry);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    return {
        open: () => dialog.open || dialog.showModal(),
        close: () => dialog.close(),
    };
}

/** Add the listeners that never change: Escape must not choose a version, Ctrl+Enter sends a reason. */
export function prepareDialogs() {
    byId("conflict").addEventListener("cancel", (event) => event.preventDefault());
    byId("reason-cancel").addEventListener("click", () => byId("reason").close(""));
    const field = byId("reason-text");
    field.addEventListener("input", () => {
        const isBlank = field.value && !field.value.trim();
        field.setCustomValidity(isBlank ? "Give a reason in a word or two." : "");
    });
    byId("reason").addEventListener("keydown", takeReasonKey);
}
