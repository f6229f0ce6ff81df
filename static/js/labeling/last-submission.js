/**
 * What the labeler submitted last in the round, and the way back to it: it is corrected in place of the current task, without
 * loading a page, and then the task is there again. Whether it may be corrected is the server's to say.
 */
import { confirmationOf, createCorrection } from "./correction.js";

const NOTHING = "You have not submitted a task in this round yet, so there is nothing to go back to.";
const UNSENT = "Your last submission has not reached the server yet. You can go back to it once it is sent.";
const ON_ITS_WAY = "Your last submission is on its way. It opens as soon as the server has it.";
const OPENING = "Opening your last submission.";
// A shorter wait shows nothing.
const SHORT_WAIT_MS = 300;
const OFFLINE = "The server cannot be reached: you can go back to your last submission when it can be reached again.";

/**
 * @param {object} needs
 * @param {number|null} needs.last     the assignment that was submitted last, as far as the server knows
 * @param {() => object} needs.session the session, which makes room
 * @param {object} needs.correcting    what a correction needs, except for what is particular to this one
 */
export function createLastSubmission({ last, session, outbox, api, connection, page, correcting, onEnded }) {
    let newest = outbox.newestSubmission() ?? last;
    let before = newest === last ? null : last; // What was submitted before it.
    let correction = null;
    let isOpening = false;
    page.showLast(newest !== null);

    /** @param {{isWanted: () => boolean}} how  whether the labeler still waits for it when it has arrived */
    async function goBack({ isWanted }) {
        if (newest === null) return page.notice(NOTHING, "info");
        if (isOpening || correction) return;
        isOpening = true;
        const timer = setTimeout(() => page.notice(outbox.ids().includes(newest) ? ON_ITS_WAY : OPENING, "info"), SHORT_WAIT_MS);
        try {
            const opened = await fetchSubmission(newest, isWanted);
            clearTimeout(timer);
            if (opened) begin(newest, opened);
        } catch (error) {
            page.notice(`The last task cannot be opened: ${error.message}`);
        } finally {
            clearTimeout(timer);
            isOpening = false;
        }
    }

    /** The assignment with its submission; null where it cannot be corrected, which is said, or where it is no longer wanted. */
    async function fetchSubmission(id, isWanted) {
        const isUnsent = outbox.ids().includes(id);
        if (connection.state !== "online") return page.notice(isUnsent ? UNSENT : OFFLINE), null;
        if (isUnsent) await outbox.deliver();
        const opened = isWanted() ? await connection.run(() => isWanted() ? api.get(`/assignments/${id}`) : undefined) : null;
        if (!opened || !isWanted()) return page.clearNotices(), null; // The labeler goes on with their task.
        if (!opened.correctable) return page.notice(`The last task cannot be corrected. ${opened.why_not}`), null;
        return opened;
    }

    function begin(id, opened) {
        session().park();
        const own = createCorrection({
            ...correcting, id, api, connection, page,
            onSaved(changes, { isLeft }) {
                if (!isLeft) end();
                page.notice(confirmationOf(changes), changes.length ? "success" : "info");
                page.announce(confirmationOf(changes));
            },
            onLeft: end,
        });
        correction = own;
        page.showCorrecting(true, { canLeave: true });
        own.show(opened);
        scrollTo({ top: 0, behavior: "instant" });
    }

    function end() {
        correction = null;
        page.showCorrecting(false);
        page.clearNotices();
        onEnded();
        session().unpark();
    }

    return {
        goBack,
        hasLast: () => newest !== null,
        /** The correction that is shown in place of the current task; null where there is none. */
        get correction() { return correction; },
        note(id) {
            if (id !== newest) before = newest;
            newest = id;
            page.showLast(true);
        },
        /** The server has refused it: the one before is the last. */
        forget(id) {
            if (id !== newest) return;
            newest = before;
            before = null;
            page.showLast(newest !== null);
        },
    };
}
