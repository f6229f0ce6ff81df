/** What is shown instead of a task: waiting for one, or why there is none. */
import { clone } from "./protocols/view-parts.js";

// A shorter wait shows nothing at all.
const SHORT_WAIT_MS = 350;
const CHECK_AGAIN_MS = 60_000;

const TITLES = {
    all_done: "All done",
    done_by_you: "Your part is done",
    all_leased: "No task is free right now",
    holding_enough: "You have unfinished tasks",
    round_paused: "This round is paused",
    round_closed: "This round is closed",
    round_draft: "This round has not started",
    suspended: "You are suspended in this project",
    not_a_member: "You are not a member of this project",
    not_named: "This round is for other labelers",
    skills_missing: "This round requires other skills",
    screening_missing: "No screening is open to you",
    screening_not_taken: "Take the screening first",
    screening_failed: "Screening not passed",
    screening_passed: "Screening passed",
    not_found: "This round does not exist",
};
/** Reasons that pass by themselves: the page checks again every minute. */
const TEMPORARY = ["all_leased", "holding_enough"];
const WAITING = {
    online: ["Fetching the next task", "One moment."],
    offline: [
        "The server cannot be reached",
        "Your submissions are kept in this browser and sent when the server can be reached again. Then the next task is shown.",
    ],
    "signed-out": ["Your sign-in has expired", "Your submissions are kept in this browser. Sign in again to continue."],
};

/**
 * @param {object} needs
 * @param {() => number} needs.today  how much was submitted today
 * @param {(section: HTMLElement) => void} [needs.onEnd]  adds what can be done at the end of the round
 */
export function createEmptyStates({ today, connectionState, checkAgain, onEnd = () => {} }) {
    const container = document.getElementById("task");
    const actionBar = document.getElementById("action-bar");
    let timer = 0;
    let isWaiting = () => false;

    function show(title, message, { isEnd = true, mayRetake = false } = {}) {
        const section = clone("no-task-template");
        const slot = (name) => section.querySelector(`[data-slot="${name}"]`);
        slot("title").textContent = title;
        slot("message").textContent = message;
        slot("day").textContent = isEnd && today() ? `You submitted ${today()} today.` : "";
        section.querySelector('[data-do="checkAgain"]').hidden = !isEnd;
        section.querySelector('[data-do="retake"]').hidden = !mayRetake;
        section.classList.toggle("waiting", !isEnd);
        actionBar.hidden = true;
        container.replaceChildren(section);
        if (!isEnd) return;
        slot("title").focus();
        onEnd(section);
    }

    const showWaiting = () => show(...WAITING[connectionState()], { isEnd: false });

    return {
        /** Show what the page waits for, once the wait is long. @param {() => boolean} isStillWaiting */
        waitFor(isStillWaiting) {
            clearTimeout(timer);
            isWaiting = isStillWaiting;
            timer = setTimeout(() => isStillWaiting() && showWaiting(), SHORT_WAIT_MS);
        },
        onConnectionChange() {
            if (isWaiting() && container.querySelector(".waiting")) showWaiting();
        },
        showNoTask({ reason, message, may_retake: mayRetake = false }) {
            clearTimeout(timer);
            isWaiting = () => false;
            show(TITLES[reason] ?? "No task for now", message, { mayRetake });
            if (TEMPORARY.includes(reason)) timer = setTimeout(checkAgain, CHECK_AGAIN_MS);
        },
    };
}
