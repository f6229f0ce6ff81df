/** What surrounds the task: progress, the save state, the action bar, notices, and announcements to screen readers. */
import { createProblemPeek } from "./problem-peek.js";
import * as stage from "./stage.js";

const byId = (id) => document.getElementById(id);

/** Write the text unless it is there: the browser lays out again what is written, even if it is the same. */
function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

const SAVE_STATES = {
    idle: ["", ""],
    saving: ["Saving", "Your ratings are being sent to the server."],
    saved: ["Saved", "The server has your ratings."],
    kept: ["Unsaved", "Your changes are kept in this browser until you save the correction."],
    offline: ["Offline", "Your ratings are kept in this browser until the server can be reached."],
    signedOut: ["Signed out", "Your ratings are kept in this browser and sent when you sign in again."],
    refused: ["Not saved", "The server does not accept these ratings. They are kept in this browser."],
};
// A shorter save is not shown, so that the word does not flicker.
const SLOW_SAVE_MS = 400;

/** How many submissions wait; a phone's bar has no room for it. */
function unsentNote(count) {
    const note = document.createElement("span");
    note.className = "hide-s";
    note.textContent = `, ${count} to send`;
    return note;
}

function linkButton({ label, run }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = label;
    button.addEventListener("click", run);
    return button;
}

// How long what is missing stays marked after somebody tried to submit.
const POINT_OUT_MS = 4_000;

export function createPage() {
    let isSending = false;
    let timer = 0;
    let announcements = 0;
    let pointer = 0;
    let isCorrecting = false;

    return {
        problemPeek: createProblemPeek(),
        showProgress({ done, total, mine, today }) {
            byId("round-meter").max = Math.max(1, total);
            byId("round-meter").value = Math.min(done, total);
            byId("round-count").textContent = `${done} of ${total}`;
            if (byId("own-count")) byId("own-count").textContent = mine;
            byId("day-count").textContent = `${today} today`;
        },
        /** @param {keyof SAVE_STATES} state @param {number} [unsent]  how many submissions wait */
        showSaveState(state, unsent = 0) {
            const label = byId("save-state");
            const [word, title] = SAVE_STATES[state];
            label.dataset.state = state;
            label.title = title;
            clearTimeout(timer);
            const parts = unsent && state !== "saved" ? [word, unsentNote(unsent)] : [word];
            const text = parts.map((part) => part.textContent ?? part).join("");
            const write = () => { if (label.textContent !== text) label.replaceChildren(...parts); };
            if (state === "saving") timer = setTimeout(write, SLOW_SAVE_MS);
            else write();
        },
        /** The action bar: what is missing, and whether Submit may be pressed. @param {import("./protocols/index.js").Status} status */
        showStatus({ canSubmit, canProceed = false, message, label = isCorrecting ? "Save correction" : "Submit" }, canUndo) {
            byId("action-bar").hidden = false;
            setText(byId("missing"), message);
            byId("missing").classList.toggle("complete", canSubmit);
            byId("missing").classList.remove("pointed-out");
            byId("submit").disabled = isSending;
            // It can be pressed all the same: then the page points out what is missing.
            byId("submit").setAttribute("aria-disabled", String(isSending || (!canSubmit && !canProceed)));
            setText(byId("submit").firstChild, isSending ? "Saving… " : canProceed ? "Continue " : `${label} `);
            for (const button of document.querySelectorAll('[data-do="undo"]')) button.disabled = isSending || !canUndo;
        },
        /** While the task is on its way to the server its buttons are off; show the status again afterwards. */
        setSending(isNowSending) {
            isSending = isNowSending;
            for (const button of document.querySelectorAll('[data-do="giveUp"], [data-do="returnTask"]')) button.disabled = isSending;
        },
        /** Draw the eye to what is missing. Nothing moves: only its colours change. */
        pointOutMissing() {
            clearTimeout(pointer);
            const { classList } = byId("missing");
            classList.remove("pointed-out");
            byId("missing").getBoundingClientRect(); // A layout in between lets the animation begin again.
            classList.add("pointed-out");
            pointer = setTimeout(() => classList.remove("pointed-out"), POINT_OUT_MS);
        },
        /** A submitted task is corrected in place of the current one, or no longer. @param {{canLeave?: boolean}} [options] */
        showCorrecting(isNowCorrecting, { canLeave = false } = {}) {
            isCorrecting = isNowCorrecting;
            document.body.classList.toggle("correcting", isCorrecting);
            byId("back-to-last").hidden = isCorrecting;
            byId("leave-correction").hidden = !(isCorrecting && canLeave);
        },
        /** Whether there is a submission to go back to. */
        showLast(hasLast) {
            byId("back-to-last").disabled = !hasLast;
        },
        setBusy(isBusy) {
            stage.current().setAttribute("aria-busy", String(isBusy));
        },
        /** Announce a sentence to screen readers once; a repeated sentence is announced again. */
        announce(sentence) {
            announcements += 1;
            byId("announcer").textContent = sentence + (announcements % 2 ? "\u00a0" : "");
        },
        /** @param {{by: string, note: string} | null} assigned  by whom the task was assigned to the labeler */
        showAssigned(assigned) {
            const section = byId("assigned-note"), note = section.querySelector("q");
            section.hidden = !assigned;
            if (!assigned) return;
            setText(section.querySelector("span"), `${assigned.by} assigned this task to you${assigned.note ? ":" : "."}`);
            setText(note, assigned.note);
            note.hidden = !assigned.note;
        },
        /** Why a reviewer returned the current task, and what the labeler replies; hidden where it was not returned. */
        showReviewerNote(note, reply = "") {
            byId("reviewer-note").hidden = !note;
            setText(byId("reviewer-note").querySelector("q"), note);
            if (byId("reply").value !== reply) byId("reply").value = reply;
        },
        /** @param {{label: string, run: () => void}|null} [action]  what can be done about it */
        notice(text, kind = "warning", action = null) {
            const notice = document.createElement("p");
            notice.className = `notice ${kind}`;
            const buttons = [{ label: "Dismiss", run: () => notice.remove() }];
            if (action) buttons.unshift(action);
            const sentence = document.createElement("span");
            sentence.textContent = `${text} `;
            notice.append(sentence, ...buttons.map(linkButton));
            byId("notices").replaceChildren(notice);
        },
        clearNotices() {
            byId("notices").replaceChildren();
        },
        /** The keys drawn on the page follow the key map. */
        showKeys(keys) {
            for (const cap of document.querySelectorAll("[data-key]")) cap.textContent = keys[cap.dataset.key];
        },
    };
}
