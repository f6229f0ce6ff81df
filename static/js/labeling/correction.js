/**
 * Correcting a submitted task. The submission on the server counts until the correction is saved. Until then the changes are
 * kept in this browser as the assignment's draft: a reload finds them again, and so does the session if a reviewer returns
 * the task meanwhile. A correction has the same interface as a session.
 */
import { answersOf, areSameAnswers } from "./sync/answers.js";
import { createTaskEditor } from "./task-editor.js";

const INTRODUCTION = "You have submitted this task. Change your answers and save; the earlier version is kept.";
const RESTORED = "This browser has kept changes that are not saved yet. Your submission counts until you save them.";
const OVERTAKEN = "Since you began, the task was corrected elsewhere.";
const OFFLINE = "The server cannot be reached. Your changes are kept in this browser, and the correction is sent when the server can be "
    + "reached again. If you close this page, you find them again when you correct the task.";
const UNCHANGED = "Nothing has changed on the server. Your changes are kept in this browser: you find them again when you open the task.";

/**
 * @param {object} needs
 * @param {number} needs.id  the assignment
 * @param {string} needs.doneUrl  where to go when the correction is saved
 * @param {(state: "idle"|"kept"|"saving") => void} needs.onState  whether there are changes that the server does not have
 */
export function createCorrection({ id, options, protocol, api, connection, activity, page, store, doneUrl, onState }) {
    const key = `draft:${id}`;
    const editor = createTaskEditor({ protocol, options, api, connection, activity, page, onChange: keep, onSubmit: save });
    let submitted = { answers: { steps: [] }, version: 0, versions: 0 };
    let isSending = false;

    async function open() {
        page.setBusy(true);
        try {
            show(await connection.run(() => api.get(`/assignments/${id}`)));
        } catch (error) {
            page.setBusy(false);
            page.notice(error.message, "error");
        }
    }

    function show({ assignment: payload, submission, versions }) {
        submitted = { answers: normalized(payload, { steps: [], ...answersOf(submission ?? {}) }), version: payload.draft.version, versions };
        const changes = keptChanges();
        activity.restart(changes ?? {});
        editor.show(payload, editor.createView(payload), changes?.answers ?? submitted.answers);
        onState(changes ? "kept" : "idle");
        introduce(changes);
    }

    /** The answers as this page writes them: the server's rows have more fields, and would never equal the page's. */
    const normalized = (payload, answers) => protocol.answersOf(protocol.start(payload, answers, options));

    function introduce(changes) {
        const notice = !changes ? INTRODUCTION : changes.versions === submitted.versions ? RESTORED : `${RESTORED} ${OVERTAKEN}`;
        page.notice(notice, changes ? "warning" : "info", changes && { label: "Discard the changes", run: discard });
        page.announce(`Correct a task. ${changes ? notice : ""} ${protocol.statusOf(editor.task.state).message}.`);
    }

    /** The changes of this browser that are not saved; those that have been saved since are forgotten. */
    function keptChanges() {
        const kept = store.read(key);
        if (!kept?.corrects) return null;
        if (!areSameAnswers(kept.answers, submitted.answers)) return kept;
        store.remove(key);
        return null;
    }

    function keep(answers) {
        const isChanged = !areSameAnswers(answers, submitted.answers);
        const { version, versions } = submitted;
        if (isChanged) store.write(key, { id, corrects: true, version, versions, answers, saved: false, ...activity.read() });
        else store.remove(key);
        onState(isChanged ? "kept" : "idle");
    }

    function discard() {
        editor.adopt(submitted.answers);
        keep(submitted.answers);
        page.notice("This is your submission again. Undo restores your changes.", "info");
        page.announce(`Discarded. ${protocol.statusOf(editor.task.state).message}.`);
    }

    async function save(submission) {
        isSending = true;
        editor.setSending(true);
        onState("saving");
        page.announce("Saving.");
        if (connection.state === "offline") page.notice(OFFLINE);
        try {
            await connection.run(() => api.post(`/assignments/${id}/correct`, { ...submission, versions: submitted.versions }));
            const kept = store.read(key);
            if (kept && areSameAnswers(kept.answers, submission)) store.remove(key); // Another tab may have changed it further.
            location.assign(doneUrl);
        } catch (error) {
            isSending = false;
            editor.setSending(false);
            keep(protocol.answersOf(editor.task.state));
            if (error.code === "corrected_elsewhere") return open(); // Shows the newer submission, and keeps these changes.
            page.notice(`The correction was not saved: ${error.message} ${UNCHANGED}`, "error");
        }
    }

    function onConnectionChange(state) {
        if (!isSending) return;
        if (state === "offline") page.notice(OFFLINE);
        else page.clearNotices();
    }

    const ignore = () => {};
    return {
        advance: open,
        onSubmittedElsewhere: ignore,
        onLeaseEnded: ignore,
        onConnectionChange,
        adopt: ignore,
        conflictRows: () => [],
        unbegunIds: () => [],
        fit: editor.fit,
        commands: { ...editor.commands, skip: ignore, retake: ignore },
    };
}
