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
const NOTHING_TO_UNDO = "There is nothing to undo: this is your submission.";

/** What is shown once a correction is saved. @param {string[]} changes  what it changed, in words */
export const confirmationOf = (changes) => changes.length ? `Correction saved: ${changes.join("; ")}.` : "Nothing was changed: your submission stays as it is.";

/**
 * @param {object} needs
 * @param {number} needs.id  the assignment
 * @param {(changes: string[], how: {isLeft: boolean}) => void} needs.onSaved  the server has the correction; no changes, and nothing was sent
 * @param {() => void} [needs.onLeft]  the labeler goes back without saving
 * @param {(state: "idle"|"kept"|"saving") => void} needs.onState  whether there are changes that the server does not have
 */
export function createCorrection({ id, options, protocol, api, connection, activity, page, store, onSaved, onLeft = () => {}, onState }) {
    const key = `draft:${id}`;
    const editor = createTaskEditor({ protocol, options, api, connection, activity, page, onChange: keep, onSubmit: save });
    let submitted = { answers: { steps: [] }, version: 0, versions: 0, finishReason: "", reason: "" };
    let isSending = false;
    let isLeft = false;

    async function open() {
        page.setBusy(true);
        try {
            show(await connection.run(() => api.get(`/assignments/${id}`)));
        } catch (error) {
            page.setBusy(false);
            page.notice(error.message, "error");
        }
    }

    /** @param {object} opened  the assignment with its submission, as the API returns it */
    function show({ assignment: payload, submission, versions }) {
        submitted = {
            answers: normalized(payload, { steps: [], ...answersOf(submission ?? {}) }), version: payload.draft.version, versions,
            finishReason: submission?.finish_reason ?? "", reason: submission?.reason ?? "",
        };
        const changes = keptChanges();
        activity.restart(changes ?? {});
        editor.show(payload, editor.createView(payload), changes?.answers ?? submitted.answers);
        onState(changes ? "kept" : "idle");
        introduce(changes);
    }

    /** The answers as this page writes them: the server's rows have more fields, and would never equal the page's. */
    const normalized = (payload, answers) =>
        ({ ...protocol.answersOf(protocol.start(payload, answers, options)), ...(answers.reply ? { reply: answers.reply } : {}) });

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

    const isUnchanged = (submission) => areSameAnswers(answersOf(submission), submitted.answers)
        && submission.finish_reason === submitted.finishReason && submission.reason === submitted.reason;

    async function save(submission) {
        if (isUnchanged(submission)) return end([]);
        isSending = true;
        editor.setSending(true);
        onState("saving");
        page.announce("Saving.");
        if (connection.state === "offline") page.notice(OFFLINE);
        try {
            const { versions } = submitted;
            const { changes } = await connection.run(() => api.post(`/assignments/${id}/correct`, { ...submission, versions }));
            const kept = store.read(key);
            if (kept && areSameAnswers(kept.answers, submission)) store.remove(key); // Another tab may have changed it further.
            endSending();
            end(changes);
        } catch (error) {
            endSending();
            if (!isLeft) keep(editor.answers());
            if (error.code === "corrected_elsewhere" && !isLeft) return open(); // Shows the newer submission, and keeps these changes.
            page.notice(`The correction was not saved: ${error.message} ${UNCHANGED}`, "error");
        }
    }

    function end(changes) {
        editor.park();
        onSaved(changes, { isLeft });
    }

    function endSending() {
        if (!isLeft) editor.setSending(false);
        isSending = false;
    }

    /** Back to where the labeler came from. What is changed stays in this browser, and what is being sent is sent. */
    function leave() {
        const isKept = !isSending && !areSameAnswers(editor.answers(), submitted.answers);
        if (isSending) editor.setSending(false);
        isLeft = true;
        editor.park();
        onLeft();
        if (isKept) page.notice("Your changes to the last task are not saved. They are kept in this browser: you find them again when you go back to it.");
        if (isSending) page.notice("The correction of your last task is sent when the server can be reached again.", "info");
    }

    function undo() {
        if (editor.canUndo()) editor.commands.undo();
        else page.notice(NOTHING_TO_UNDO, "info");
    }

    function onConnectionChange(state) {
        if (!isSending || isLeft) return;
        if (state === "offline") page.notice(OFFLINE);
        else page.clearNotices();
    }

    const ignore = () => {};
    return {
        advance: open,
        show,
        leave,
        reply: editor.reply,
        onSubmittedElsewhere: ignore,
        onLeaseEnded: ignore,
        onConnectionChange,
        adopt: ignore,
        conflictRows: () => [],
        unbegunIds: () => [],
        times: activity.read,
        fit: editor.fit,
        commands: { ...editor.commands, undo, skip: ignore, retake: ignore, backToLast: ignore, leaveCorrection: leave },
    };
}
