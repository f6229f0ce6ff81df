/** Questions to the labeler. Each gives a promise of the answer; while one is open the page's keys rest. */
import { typeset } from "../shared/math.js";

const byId = (id) => document.getElementById(id);

const REASONS = {
    give_up: {
        title: "Give up on this task?",
        lead: "What you rated so far is handed in with it. Somebody reads the reason.",
        send: "Give up",
        common: ["Too hard for me", "Takes too long", "I cannot verify a step"],
    },
    skip: {
        title: "Put this task off?",
        lead: "It comes back to you when nothing else is left, with what you rated so far. Others may do it meanwhile.",
        send: "Put it off",
        common: ["Too tired for it", "I have to look something up", "It takes long"],
        isOptional: true,
    },
    bad_problem: {
        title: "What is wrong with the problem?",
        lead: "What you rated so far is handed in with it. Whoever runs the project sees the reason.",
        send: "Report the problem",
        common: ["The question is ambiguous", "Something is missing", "The reference answer is wrong", "It cannot be read"],
    },
};

export const isDialogOpen = () => document.querySelector("dialog[open]") !== null;

/**
 * Why somebody stops early: the reason, which may be empty where none is asked for, or null when they go on rating.
 * @param {string} [before]  what they gave already
 */
export function askReason(kind, before = "") {
    const { title, lead, send, common, isOptional = false } = REASONS[kind];
    const dialog = byId("reason");
    const text = byId("reason-text");
    byId("reason-title").textContent = title;
    byId("reason-lead").textContent = lead;
    byId("reason-send").textContent = send;
    byId("suggestions").replaceChildren(...common.map((reason) => suggestion(reason, text)));
    text.value = before;
    text.required = !isOptional;
    byId("reason-why").textContent = isOptional ? "Why? (optional)" : "Why?";
    text.setCustomValidity("");
    dialog.returnValue = "";
    dialog.showModal();
    (isOptional ? byId("reason-send") : text).focus();
    return closing(dialog).then((value) => value === "send" ? text.value.trim() || (isOptional ? "" : null) : null);
}

function suggestion(reason, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = reason;
    button.addEventListener("click", () => {
        text.value = text.value.trim() ? `${text.value.trim()}. ${reason}` : reason;
        text.setCustomValidity("");
        text.focus();
    });
    return button;
}

function closing(dialog) {
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** Which of two versions stands: "mine" or "theirs". There is no third way out. Rows are those of the bench. */
export function askWhich({ mine, theirs }) {
    const dialog = byId("conflict");
    byId("conflict-rows").replaceChildren(...mine.map((row, index) => conflictRow(row, theirs[index])));
    dialog.returnValue = "";
    dialog.showModal();
    return closing(dialog).then((value) => value === "theirs" ? "theirs" : "mine");
}

function conflictRow(here, there) {
    const row = document.createElement("tr");
    const text = document.createElement("td");
    typeset(text, here.text);
    row.append(text, saidCell(here.says), saidCell(there?.says));
    row.classList.toggle("picked", here.says !== there?.says);
    return row;
}

function saidCell(says) {
    const cell = document.createElement("td");
    const badge = document.createElement("span");
    badge.className = says ? `badge ${says === "great" ? "good" : says}` : "muted small";
    badge.textContent = says ?? "not rated";
    cell.append(badge);
    return cell;
}

/** The dialog about an expired sign-in stays until somebody is signed in. */
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

/** Wire up what never changes: Escape must not choose for somebody, Ctrl+Enter sends a reason. */
export function prepareDialogs() {
    byId("conflict").addEventListener("cancel", (event) => event.preventDefault());
    byId("reason-cancel").addEventListener("click", () => byId("reason").close(""));
    const text = byId("reason-text");
    text.addEventListener("input", () => text.setCustomValidity(text.value.trim() || !text.value ? "" : "Say why, in a word or two."));
    text.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || event.repeat) return;
        event.preventDefault();
        byId("reason-send").click();
    });
}
