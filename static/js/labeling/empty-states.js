/** What stands in place of a task: waiting for one, or none to give. */
import { clone } from "./templates.js";

// A wait that is over sooner shows nothing at all.
const SHORT_WAIT_MS = 350;
const LOOK_AGAIN_MS = 60_000;

const TITLES = {
    all_done: "All done",
    done_by_you: "Your part is done",
    all_leased: "Nothing is free right now",
    holding_enough: "You have tasks in hand",
    round_paused: "This round is paused",
    round_closed: "This round is closed",
    round_draft: "This round has not started",
    suspended: "You are suspended here",
    not_a_member: "You are not in this project",
    not_named: "This round is for others",
    skills_missing: "This round asks for other skills",
    screening_missing: "There is a screening before this round",
    screening_not_taken: "Take the screening first",
    screening_failed: "Not passed",
    screening_passed: "Passed",
    not_found: "This round is not here",
};
/** These end by themselves: the page looks again every minute. */
const PASSING = ["all_leased", "holding_enough"];

/** @param {{today: () => number, state: () => string, again: () => void}} needs */
export function createScreens({ today, state, again }) {
    const stage = document.getElementById("stage");
    const foot = document.getElementById("foot");
    let timer = 0;

    function show(title, message, { isEnd = true, mayRetake = false } = {}) {
        const section = clone("nothing-template");
        const slot = (name) => section.querySelector(`[data-slot="${name}"]`);
        slot("title").textContent = title;
        slot("message").textContent = message;
        slot("day").textContent = isEnd && today() ? `You handed in ${today()} today.` : "";
        section.querySelector('[data-do="again"]').hidden = !isEnd;
        section.querySelector('[data-do="retake"]').hidden = !mayRetake;
        section.classList.toggle("waiting", !isEnd);
        foot.hidden = true;
        stage.replaceChildren(section);
        if (isEnd) slot("title").focus();
    }

    function showWaiting() {
        const texts = {
            up: ["Fetching the next task", "A moment."],
            away: ["The server cannot be reached", "What you handed in is kept in this browser and is sent as soon as that changes. The next task comes then."],
            "signed-out": ["Your sign-in has expired", "What you handed in is kept in this browser. Sign in again, and it goes on."],
        };
        show(...texts[state()], { isEnd: false });
    }

    let isWaiting = () => false;
    return {
        /** Say why nothing is there, once it lasts. `stillWaiting` tells when it is over. */
        waitFor(stillWaiting) {
            clearTimeout(timer);
            isWaiting = stillWaiting;
            timer = setTimeout(() => stillWaiting() && showWaiting(), SHORT_WAIT_MS);
        },
        stateChanged() {
            if (isWaiting() && stage.querySelector(".waiting")) showWaiting();
        },
        nothing({ reason, message, may_retake: mayRetake = false }) {
            clearTimeout(timer);
            isWaiting = () => false;
            show(TITLES[reason] ?? "No task for now", message, { mayRetake });
            if (PASSING.includes(reason)) timer = setTimeout(again, LOOK_AGAIN_MS);
        },
    };
}
