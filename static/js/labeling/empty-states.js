/** What is shown instead of a task: waiting for one, or why there is none. */
import { clone } from "./protocols/view-parts.js";
import * as stage from "./stage.js";

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
const WORDS = { work: "labeling", screening: "test", training: "training" };
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
 * @param {object} needs.panels       see `panels.js`
 * @param {(section: HTMLElement) => void} [needs.onEnd]  adds what can be done at the end of the round
 */
export function createEmptyStates({ today, connectionState, checkAgain, panels, onEnd = () => {} }) {
    const actionBar = document.getElementById("action-bar");
    let timer = 0;
    let isWaiting = () => false;

    function show(title, message, { isEnd = true, mayRetake = false, nextRounds = [], whyNone = "" } = {}) {
        const section = clone("no-task-template");
        const slot = (name) => section.querySelector(`[data-slot="${name}"]`);
        slot("title").textContent = title;
        slot("message").textContent = message;
        slot("day").textContent = isEnd && today() ? `You submitted ${today()} today.` : "";
        section.querySelector('[data-do="checkAgain"]').hidden = !isEnd;
        section.querySelector('[data-do="retake"]').hidden = !mayRetake;
        section.classList.toggle("waiting", !isEnd);
        slot("next").textContent = nextRounds.length ? "You can go on in another round:" : whyNone;
        slot("rounds").append(...nextRounds.map((round, index) => roundLink(round, { isFirst: index === 0 && !mayRetake })));
        if (isEnd) {
            panels.show(section, roundOnEnter(section));
            return onEnd(section);
        }
        actionBar.hidden = true;
        stage.show(section);
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
            if (isWaiting() && stage.current().querySelector(".waiting")) showWaiting();
        },
        showNoTask({ reason, message, may_retake: mayRetake = false, next_rounds: nextRounds = [], why_no_next: whyNone = "" }) {
            clearTimeout(timer);
            isWaiting = () => false;
            show(TITLES[reason] ?? "No task for now", message, { mayRetake, nextRounds, whyNone });
            if (TEMPORARY.includes(reason)) timer = setTimeout(checkAgain, CHECK_AGAIN_MS);
        },
    };
}

/** The link to another round, in the words of the buttons on the other pages. The first one is what Enter follows. */
function roundLink({ project, project_name: projectName, number, name, kind, is_begun: isBegun }, { isFirst }) {
    const link = document.createElement("a");
    link.className = isFirst ? "button primary" : "button";
    link.href = `/projects/${project}/rounds/${number}/label`;
    link.textContent = `${isBegun ? "Continue" : "Start"} ${WORDS[kind]}: ${name}, ${projectName} `;
    if (isFirst) {
        const key = document.createElement("kbd");
        key.dataset.key = "submit";
        link.append(key);
    }
    return link;
}

function roundOnEnter(section) {
    const first = section.querySelector('[data-slot="rounds"] .primary');
    return first && (() => first.click());
}
