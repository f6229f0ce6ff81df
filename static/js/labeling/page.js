/** What stands around the task: progress, the save state, the bar at the foot, and the voice for screen readers. */

const byId = (id) => document.getElementById(id);
const STATES = {
    idle: ["", ""],
    saving: ["Saving", "Your ratings are on their way to the server."],
    saved: ["Saved", "The server has your ratings."],
    kept: ["Unsaved", "Your changes are kept in this browser until you save the correction."],
    offline: ["Offline", "Kept in this browser until the server can be reached."],
    signedOut: ["Signed out", "Kept in this browser; sent when you are signed in again."],
    refused: ["Not saved", "The server does not take these ratings; they are kept in this browser."],
};
// A save that is over sooner is not worth a word that flickers.
const SLOW_SAVE_MS = 400;

/** How many submissions wait; a phone's bar has no room for it. */
function unsent(waiting) {
    const more = document.createElement("span");
    more.className = "hide-s";
    more.textContent = `, ${waiting} to send`;
    return more;
}

function link({ says, act }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = says;
    button.addEventListener("click", act);
    return button;
}

/** @param {{submits?: string}} [words]  what the button says that hands the task in */
export function createFrame({ submits = "Submit" } = {}) {
    let isSending = false;
    let timer = 0;
    let spoken = 0;

    return {
        progress({ done, total, today }) {
            byId("round-meter").max = Math.max(1, total);
            byId("round-meter").value = Math.min(done, total);
            byId("round-count").textContent = `${done} of ${total}`;
            byId("day-count").textContent = `${today} today`;
        },
        /** @param {keyof STATES} state */
        saveState(state, waiting = 0) {
            const label = byId("save-state");
            const [word, title] = STATES[state];
            label.dataset.state = state;
            label.title = title;
            clearTimeout(timer);
            const text = waiting && state !== "saved" ? [word, unsent(waiting)] : [word];
            const write = () => { if (label.textContent !== text.map((part) => part.textContent ?? part).join("")) label.replaceChildren(...text); };
            if (state === "saving") timer = setTimeout(write, SLOW_SAVE_MS);
            else write();
        },
        /** The bar at the foot: what is missing, and whether Submit may be pressed. */
        standing({ legal, message, proceeds = false }, isUndoable) {
            byId("foot").hidden = false;
            byId("missing").textContent = message;
            byId("missing").classList.toggle("legal", legal);
            byId("submit").disabled = isSending || (!legal && !proceeds);
            byId("submit").firstChild.data = isSending ? "Saving… " : proceeds ? "Go on " : `${submits} `;
            for (const button of document.querySelectorAll('[data-do="undo"]')) button.disabled = isSending || !isUndoable;
        },
        /** What is shown is on its way to the server, and rests until there is an answer; paint the standing again. */
        sending(isOn) {
            isSending = isOn;
            for (const button of document.querySelectorAll('[data-do="giveUp"]')) button.disabled = isOn;
        },
        busy(isBusy) {
            byId("stage").setAttribute("aria-busy", String(isBusy));
        },
        /** Said once; the same sentence again is said again. */
        say(sentence) {
            spoken += 1;
            byId("announcer").textContent = sentence + (spoken % 2 ? "\u00a0" : "");
        },
        /** Why a reviewer returned the task at hand; empty where nobody did. */
        reviewerNote(text) {
            byId("reviewer-note").hidden = !text;
            byId("reviewer-note").querySelector("q").textContent = text;
        },
        /** @param {{says: string, act: () => void}|null} [offer]  what can be done about it */
        notice(text, kind = "warning", offer = null) {
            const note = document.createElement("p");
            note.className = `notice ${kind}`;
            const ends = [{ says: "Dismiss", act: () => note.remove() }];
            if (offer) ends.unshift(offer);
            const said = document.createElement("span");
            said.textContent = `${text} `;
            note.append(said, ...ends.map(link));
            byId("notices").replaceChildren(note);
        },
        clearNotices() {
            byId("notices").replaceChildren();
        },
        /** The shapes of the keys follow the key map. */
        keys(map) {
            for (const cap of document.querySelectorAll("[data-key]")) cap.textContent = map[cap.dataset.key];
        },
    };
}
