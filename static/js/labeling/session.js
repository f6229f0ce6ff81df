/**
 * A labeling session: the current task, the next one prepared behind it, where tasks come from and where submissions go. The
 * task editor changes a task; drafts, outbox and leases keep the work safe. What was submitted last can be corrected in
 * place: `correction.js` has the page for as long as that takes, and the current task is kept behind it.
 */
import { typesetDone, typesetInView } from "../shared/math.js";
import { askReason, isDialogOpen } from "./dialogs.js";
import * as stage from "./stage.js";
import { createTaskEditor } from "./task-editor.js";

const TYPESET_TIMEOUT_MS = 1_500;

/**
 * @param {object} needs
 * @param {string} needs.round         the round's path in the API
 * @param {?number} needs.guideline    the key of the guidelines that the page shows
 * @param {Function} needs.onProgress  (progress): the server has counted the submissions
 * @param {Function} needs.onQueued    a submission or a skip is in the outbox
 * @param {number|null} needs.resume   the skipped assignment to begin with
 * @param {{goBack: Function, hasLast: () => boolean, note: Function}} needs.lastSubmission  see `last-submission.js`
 * @param {object} [needs.training]    shows the answer of a submission, in a training round
 */
export function createSession({
    round, options, guideline, protocol, api, connection, tabSync, activity, leases, drafts, outbox, page, emptyStates, onProgress, onQueued,
    resume, lastSubmission, training = null,
}) {
    const editor = createTaskEditor({
        protocol, options, api, connection, activity, page, onChange: drafts.change, onSubmit: submit, canGoBack: lastSubmission.hasLast,
    });
    let next = null; // {payload, view}
    let fetching = null;
    let place = 0; // Counts the calls of `advance`: a response to an earlier one is late.
    let isAdvancing = false;
    let toResume = resume; // The skipped assignment to claim before any other.
    let parked = null; // While the last submission is corrected: {times, isStale, notice} of the task behind it.

    const heldIds = () => [editor.task, next].filter(Boolean).map(({ payload }) => payload.id);
    const claim = () => connection.run(() => api.post(`${round}/claim`, { holding: [...heldIds(), ...outbox.ids()] }));

    // --- which task is shown ------------------------------------------------------------------------------------

    /** Show the next task: the prepared one, else the one that the server returns. */
    async function advance() {
        if (parked) return void (parked.isStale = true); // Shown when the labeler comes back.
        const ownPlace = ++place;
        isAdvancing = true;
        closeTask();
        page.setBusy(true);
        if (!next) emptyStates.waitFor(() => ownPlace === place && !editor.task);
        await fetching;
        if (next && leases.hasEnded(next.payload.id)) discardNext();
        if (next) {
            const prepared = next;
            next = null;
            show(prepared);
        } else {
            await fetchNow(ownPlace);
        }
        await outbox.deliver();
        if (ownPlace === place && editor.task) fetchNext();
    }

    async function fetchNow(ownPlace) {
        await outbox.deliver();
        try {
            const claimed = await claimSkipped() ?? await claim();
            if (ownPlace !== place) return;
            onProgress(claimed.progress);
            if (!claimed.assignment) return showNoTask(claimed);
            const prepared = prepare(claimed.assignment);
            await typesetOf(prepared);
            if (ownPlace === place) show(prepared);
        } catch (error) {
            if (ownPlace === place) showNoTask({ reason: error.code, message: error.message });
        }
    }

    /** The skipped task that the labeler has chosen; null where there is none, or where it cannot be had, which is reported. */
    async function claimSkipped() {
        if (!toResume) return null;
        const id = toResume;
        toResume = null;
        history.replaceState(null, "", location.pathname); // A reload claims the current task, as ever.
        try {
            return await connection.run(() => api.post(`/assignments/${id}/resume`));
        } catch (error) {
            page.notice(`The skipped task cannot be opened: ${error.message}`);
            return null;
        }
    }

    /** While one task is read, the next is fetched and typeset, so that Enter shows it at once. */
    function fetchNext() {
        if (next || fetching || outbox.ids().length) return;
        fetching = claim()
            .then(({ assignment }) => {
                if (assignment && !next && assignment.id !== editor.task?.payload.id) next = prepare(assignment);
                tabSync.hold(heldIds());
            })
            .catch(() => {}) // The claim for the task to show meets the same error, and reports it.
            .finally(() => { fetching = null; });
    }

    function prepare(payload) {
        const view = editor.createView(payload);
        stage.prepare(view.element); // Laid out there, so that the fonts that it needs are loaded.
        leases.hold(payload.id, payload.leased_until);
        return { payload, view };
    }

    /**
     * Nothing in view may move once it is shown: wait for the formulas there and their fonts, for a limited time. A task that was
     * begun is shown where the labeler left it, which may be anywhere.
     */
    function typesetOf({ payload, view }) {
        const typeset = payload.draft.version > 0 ? typesetDone() : typesetInView(view.element);
        const laidOut = typeset.then(() => {
            view.element.getBoundingClientRect();
            return document.fonts.ready;
        });
        return Promise.race([laidOut, new Promise((resolve) => { setTimeout(resolve, TYPESET_TIMEOUT_MS); })]);
    }

    function show({ payload, view }) {
        const { answers, ...times } = drafts.open(payload);
        isAdvancing = false;
        activity.restart(times);
        if (payload.guideline !== guideline) {
            page.notice("A manager has changed the guidelines.", "info", { label: "Load the new version", run: () => location.reload() });
        }
        editor.show(payload, view, answers);
        tabSync.hold(heldIds());
        scrollTo({ top: 0, behavior: "instant" });
        const { state } = editor.task;
        view.reveal(state, { isSmooth: false });
        // A new task is read from its problem on, not from the first step to rate.
        if (!protocol.isBegun(state)) scrollTo({ top: 0, behavior: "instant" });
        const returned = payload.note ? ` A reviewer returned this task to you: ${payload.note}.` : "";
        const assigned = payload.assigned ? ` ${payload.assigned.by} assigned this task to you. ${payload.assigned.note}` : "";
        page.announce(`${protocol.greeting(state)}${assigned}${returned} ${protocol.statusOf(state).message}.`);
    }

    function closeTask() {
        if (editor.task) leases.drop(editor.task.payload.id);
        editor.close();
        drafts.close();
    }

    function discardNext() {
        leases.drop(next.payload.id);
        next = null;
        tabSync.hold(heldIds());
    }

    function showNoTask(claimed) {
        isAdvancing = false;
        page.setBusy(false);
        page.showReviewerNote("");
        emptyStates.showNoTask(claimed);
    }

    // --- submitting and skipping --------------------------------------------------------------------------------

    /** Store the submission first and send it in the background: the next task does not wait for the network. */
    function submit(submission) {
        const { payload } = editor.task;
        outbox.add(payload.id, payload.task, submission);
        lastSubmission.note(payload.id);
        if (training) advanceAfterAnswer(payload);
        else advanceAfter(payload);
    }

    /** In a training round the next task waits: the server shows the answer once it has the submission. */
    async function advanceAfterAnswer(payload) {
        const ownPlace = ++place;
        let isAnswered = false;
        const isWaiting = () => ownPlace === place && !isAnswered;
        closeTask();
        leave(payload);
        page.setBusy(true);
        emptyStates.waitFor(isWaiting);
        await outbox.deliver();
        isAnswered = isWaiting() && await training.show(payload, isWaiting);
        if (isWaiting()) advance();
    }

    /** Put the task at the end of the labeler's queue. The part of the draft that the server does not have goes along. */
    async function skip() {
        const { task } = editor;
        if (!task) return;
        const reason = await askReason("skip");
        if (reason === null || task !== editor.task) return;
        outbox.add(task.payload.id, task.payload.task, { reason }, { action: "skip", draft: drafts.unsaved() });
        advanceAfter(task.payload);
    }

    function advanceAfter(payload) {
        leave(payload);
        advance();
    }

    function leave({ id }) {
        tabSync.send("submitted", { id });
        page.clearNotices();
        onQueued();
    }

    async function retake() {
        try {
            await connection.run(() => api.post(`${round}/retake`));
        } catch (error) {
            page.notice(error.message);
        }
        advance();
    }

    function onSubmittedElsewhere(id) {
        if (next?.payload.id === id) discardNext();
        if (editor.task?.payload.id !== id) return;
        notify("You submitted or skipped the last task in another tab or on another device. This is the next one.", "info");
        advance();
    }

    /** About the current task: while it is behind a correction, the notice waits. */
    function notify(...notice) {
        if (parked) parked.notice = notice;
        else page.notice(...notice);
    }

    function onLeaseEnded(id) {
        if (next?.payload.id === id) return discardNext();
        if (editor.task?.payload.id !== id) return;
        notify("Your time for this task has run out, and others may get it too. You can still submit it.");
    }

    // --- back to the last submission ----------------------------------------------------------------------------

    /** Undo in a task in which nothing is done yet leads back to the one before. */
    function undo() {
        const { task } = editor;
        if (task && (editor.canUndo() || protocol.isBegun(task.state))) editor.commands.undo();
        else backToLast();
    }

    function backToLast() {
        if (isAdvancing) return;
        const { task } = editor;
        const wasBegun = task && protocol.isBegun(task.state);
        const isUntouched = () => task === editor.task && (!task || wasBegun === protocol.isBegun(task.state));
        lastSubmission.goBack({ isWanted: () => !parked && !isAdvancing && !isDialogOpen() && isUntouched() });
    }

    return {
        advance,
        onSubmittedElsewhere,
        onLeaseEnded,
        onConnectionChange: emptyStates.onConnectionChange,
        reply: editor.reply,
        /** The current task makes room for a correction, and keeps its lease, its draft and its time. */
        park() {
            parked = { times: activity.read(), isStale: false, notice: null };
            editor.park();
        },
        /** The correction is over: the task is shown again, or the next one if it is gone. */
        unpark() {
            const { times, isStale, notice } = parked;
            parked = null;
            editor.unpark();
            activity.restart(times);
            if (!editor.task || isStale) advance();
            else editor.task.view.reveal(editor.task.state, { isSmooth: false });
            if (notice) page.notice(...notice);
        },
        /** The time of the current task. */
        times: () => parked?.times ?? activity.read(),
        /** Claim a skipped task again, and show it. */
        resume(id) {
            toResume = id;
            advance();
        },
        commands: { ...editor.commands, undo, skip, retake, backToLast, leaveCorrection() {} },
        /** Answers from another tab or device replace those shown. */
        adopt(answers) {
            if (!editor.task) return;
            editor.adopt(answers);
            if (!parked) page.announce("These ratings come from your other tab or device.");
        },
        /** One version of the answers to the current task, row by row. */
        conflictRows: (answers) => !editor.task ? [] : [
            ...protocol.conflictRows(editor.task.payload, answers),
            { text: "Reply to the reviewer", answer: answers.reply || null, isOptional: true },
        ],
        fit: editor.fit,
        /** The assignments that a closing page releases: the current task if it is not begun, and the next one. */
        unbegunIds() {
            const { task } = editor;
            const isBegun = task && (task.payload.draft.version > 0 || protocol.isBegun(task.state));
            const unbegun = [isBegun ? null : task, next].filter(Boolean).map(({ payload }) => payload.id);
            return unbegun.filter((id) => !tabSync.isHeldElsewhere(id) && !outbox.ids().includes(id));
        },
    };
}
