/**
 * A task that was handed in, on the desk again to be corrected. What stands on the server stays until the correction is
 * saved. Until then the changes are kept here as the turn's draft: a reload finds them again, and so does the desk if a
 * reviewer returns the task meanwhile. It answers as the desk does.
 */
import { createHand } from "./task-editor.js";
import { saidOf, saysTheSame } from "./sync/answers.js";

const INTRODUCTION = "You have submitted this task. Change what you said, and save it: the earlier version is kept.";
const TAKEN_UP = "These are changes that you have not saved yet; this browser kept them. What you submitted stands until you save.";
const OVERTAKEN = "Since you began them, the task was corrected elsewhere.";
const AWAY = "The server cannot be reached. Your changes are kept in this browser, and the correction is sent as soon as that changes. "
    + "If you close this page, you find them again when you correct the task.";
const SAFE = "Nothing has changed on the server. Your changes are kept in this browser: they are there when the task is before you again.";

/**
 * @param {object} needs
 * @param {(state: "idle"|"kept"|"saving") => void} needs.onState  whether there are changes that the server has not
 */
export function createCorrection({ turn, options, bench, api, connection, clock, frame, store, leaveTo, onState }) {
    const key = `draft:${turn}`;
    const hand = createHand({ bench, options, api, connection, clock, frame, onSaid: keep, onDone: save });
    let stands = { said: { steps: [] }, version: 0, versions: 0 };
    let isSending = false;

    async function open() {
        frame.busy(true);
        try {
            lay(await connection.run(() => api.get(`/assignments/${turn}`)));
        } catch (error) {
            frame.busy(false);
            frame.notice(error.message, "error");
        }
    }

    function lay({ assignment: sheet, said, versions }) {
        stands = { said: asSaidHere(sheet, { steps: [], ...saidOf(said ?? {}) }), version: sheet.draft.version, versions };
        const changes = unsaved();
        clock.restart(changes ?? {});
        hand.take(sheet, hand.viewOf(sheet), changes?.said ?? stands.said);
        onState(changes ? "kept" : "idle");
        introduce(changes);
    }

    /** As this page would say it: the server's rows tell more, and would never equal what is said here. */
    const asSaidHere = (sheet, said) => bench.said(bench.start(sheet, said, options));

    function introduce(changes) {
        const notice = !changes ? INTRODUCTION : changes.versions === stands.versions ? TAKEN_UP : `${TAKEN_UP} ${OVERTAKEN}`;
        frame.notice(notice, changes ? "warning" : "info", changes && { says: "Discard them", act: discard });
        frame.say(`Correct a task. ${changes ? notice : ""} ${bench.standing(hand.task.walk).message}.`);
    }

    /** What was changed here and not saved; what has been saved since is forgotten. */
    function unsaved() {
        const kept = store.read(key);
        if (!kept?.corrects) return null;
        if (!saysTheSame(kept.said, stands.said)) return kept;
        store.remove(key);
        return null;
    }

    function keep(said) {
        const isChanged = !saysTheSame(said, stands.said);
        const { version, versions } = stands;
        if (isChanged) store.write(key, { id: turn, corrects: true, version, versions, said, saved: false, ...clock.read() });
        else store.remove(key);
        onState(isChanged ? "kept" : "idle");
    }

    function discard() {
        hand.adopt(stands.said);
        keep(stands.said);
        frame.notice("What you submitted is shown again. Undo brings your changes back.", "info");
        frame.say(`Discarded. ${bench.standing(hand.task.walk).message}.`);
    }

    async function save(body) {
        isSending = true;
        hand.sending(true);
        onState("saving");
        frame.say("Saving.");
        if (connection.state === "away") stateChanged("away");
        try {
            await connection.run(() => api.post(`/assignments/${turn}/correct`, { ...body, versions: stands.versions }));
            const kept = store.read(key);
            if (kept && saysTheSame(kept.said, body)) store.remove(key); // Another tab may have changed it further.
            location.assign(leaveTo);
        } catch (error) {
            isSending = false;
            hand.sending(false);
            keep(bench.said(hand.task.walk));
            if (error.code === "corrected_elsewhere") return open(); // What stands now is another; that is said, and nothing is lost.
            frame.notice(`The correction was not taken: ${error.message} ${SAFE}`, "error");
        }
    }

    function stateChanged(state) {
        if (!isSending) return;
        if (state === "away") frame.notice(AWAY);
        else frame.clearNotices();
    }

    const nothing = () => {};
    return {
        advance: open,
        submittedElsewhere: nothing,
        leaseEnded: nothing,
        show: nothing,
        rows: () => [],
        unbegun: () => [],
        fit: hand.fit,
        stateChanged,
        commands: { ...hand.commands, skip: nothing, retake: nothing },
    };
}
