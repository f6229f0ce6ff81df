/**
 * The current task: how it is shown, changed and submitted. The user of the editor, a session or a
 * correction, decides where it comes from, what keeps it safe and where it goes.
 *
 * @typedef {{payload: object, view: import("./protocols/index.js").View, state: object, reason: string, reply: string}} Task
 *   `reason` is the last one given for stopping early, `reply` answers the note of the reviewer who returned the task
 */
import { setSource } from "../shared/texts.js";
import { askReason } from "./dialogs.js";
import * as stage from "./stage.js";
import { areSameAnswers } from "./sync/answers.js";

const MAX_ACTIVE_MS = 86_400_000; // The server accepts a day at most.

/**
 * @param {object} needs
 * @param {import("./protocols/index.js").Protocol} needs.protocol
 * @param {(answers: import("./sync/answers.js").Answers) => void} needs.onChange  the answers changed: keep them
 * @param {(submission: object) => void} needs.onSubmit                            the person is done: submit this
 * @param {() => string} [needs.whyFixed]          why the answers may not be changed, as a sentence; empty where they may
 * @param {() => boolean} [needs.canGoBack]  whether undo leads back to something when nothing in the task can be undone
 */
export function createTaskEditor({
    protocol, options, api, connection, activity, page, onChange, onSubmit, canGoBack = () => false, whyFixed = () => "",
}) {
    const tools = { options, post: (path, body) => connection.run(() => api.post(path, body)) };
    /** @type {Task|null} */
    let task = null;
    let isSending = false;
    let isParked = false; // Another task is shown in its place.

    const canUndo = () => protocol.undo(task.state) !== task.state;
    const withReply = (answers) => ({ ...answers, ...(task.reply.trim() ? { reply: task.reply } : {}) });

    const changesAnswers = (state) => !areSameAnswers(protocol.answersOf(state), protocol.answersOf(task.state));

    function paint() {
        if (isParked) return;
        const status = protocol.statusOf(task.state);
        task.view.paint(task.state, status);
        page.showStatus(status, canUndo() || (!protocol.isBegun(task.state) && canGoBack()));
        page.showAssigned(task.payload.assigned ?? null);
        page.showReviewerNote(task.payload.note ?? "", task.reply);
    }

    /** Every change passes through here: paint first, then keep the answers, then announce, unless there is nothing to announce. */
    function become(state, announcement = "", { isQuiet = false } = {}) {
        const before = task.state;
        if (state === before) return paint(); // What the view has fetched may be new.
        task.state = state;
        paint();
        const answers = protocol.answersOf(state);
        if (!areSameAnswers(answers, protocol.answersOf(before))) onChange(withReply(answers));
        if (isQuiet || isParked) return;
        task.view.reveal(state);
        if (announcement === null) return; // The screen reader speaks for itself.
        const { canSubmit, message } = protocol.statusOf(state);
        const cursor = protocol.describeCursor(state);
        const where = cursor === protocol.describeCursor(before) && announcement ? "" : ` ${cursor}`;
        page.announce(`${announcement}${where}${canSubmit ? ` ${message}.` : ""}`);
    }

    /** Run one of the protocol's actions. Returns whether it could be done. */
    function act(name, ...given) {
        const result = task && protocol.actions[name](task.state, ...given);
        if (!result) return false;
        if (whyFixed() && changesAnswers(result.state)) return page.notice(whyFixed(), "info"), false;
        become(result.state, result.announcement, result);
        return true;
    }

    function submit() {
        const { canSubmit, finishReason, message } = protocol.statusOf(task.state);
        if (canSubmit) finish(finishReason);
        else if (protocol.actions.proceed && act("proceed")) return;
        else pointOutMissing(message);
    }

    /** Say what is missing so that nobody overlooks it, and put the cursor there. */
    function pointOutMissing(message) {
        act("goToMissing");
        task.view.reveal(task.state);
        page.pointOutMissing();
        page.announce(`Not yet. ${message}.`);
    }

    async function stopEarly(finishReason) {
        const asked = task;
        const reason = await askReason(finishReason, asked.reason);
        if (!reason || asked !== task || isSending) return;
        task.reason = reason;
        finish(finishReason, reason);
    }

    function finish(finishReason, reason = "") {
        const { active_ms, idle_ms } = activity.read();
        const answers = withReply((protocol.submissionOf ?? protocol.answersOf)(task.state));
        onSubmit({ ...answers, finish_reason: finishReason, reason, active_ms: Math.min(active_ms, MAX_ACTIVE_MS), idle_ms });
    }

    /** Show the row at the cursor as it was written, and back; where there is no cursor, all texts. */
    function showSource() {
        const row = stage.current().querySelector('[aria-current="step"]');
        if (!row) return showSources();
        const button = row.querySelector(".source-button");
        if (button) button.click();
        else page.announce("This is shown as it was written.");
    }

    function showSources() {
        const button = stage.current().querySelector('[data-slot="sources"]');
        const isSource = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(isSource));
        for (const text of stage.current().querySelectorAll(".problem, .step-text")) setSource(text, isSource);
    }

    /** A command runs only while there is a task that may be changed. */
    const command = (run) => () => task && !isSending && run();

    return {
        get task() { return task; },
        get isParked() { return isParked; },
        canUndo,
        act,
        /** What a draft of the task carries. */
        answers: () => withReply(protocol.answersOf(task.state)),
        createView: (payload) => protocol.createView(payload, act, tools),
        show(payload, view, answers) {
            task = { payload, view, state: protocol.start(payload, answers, options), reason: "", reply: answers.reply ?? "" };
            paint();
            stage.show(view.element);
            view.fit();
            page.problemPeek.follow(view.element);
            page.setBusy(false);
        },
        close() { task = null; },
        /** Another task is shown in place of this one, which is kept as it is. */
        park() { isParked = true; },
        unpark() {
            isParked = false;
            if (!task) return;
            stage.show(task.view.element);
            paint();
            task.view.fit();
            page.problemPeek.follow(task.view.element);
        },
        /** Write the reply to the reviewer's note. */
        reply(text) {
            if (!task || isSending) return;
            task.reply = text;
            onChange(withReply(protocol.answersOf(task.state)));
        },
        /** While the submission is on its way, nothing that is shown may change. */
        setSending(isNowSending) {
            isSending = isNowSending;
            stage.current().inert = isSending;
            page.setSending(isSending);
            paint();
            if (!isSending) task.view.reveal(task.state);
        },
        /** Take over answers from elsewhere; undo restores the previous ones. */
        adopt(answers) {
            task.state = protocol.adopt(task.state, answers);
            task.reply = answers.reply ?? "";
            paint();
        },
        fit: () => task?.view.fit(),
        commands: {
            ...Object.fromEntries(Object.keys(protocol.actions).map((name) => [name, command(() => act(name))])),
            undo: command(() => become(protocol.undo(task.state), "Undone.")),
            submit: command(submit),
            giveUp: command(() => stopEarly("give_up")),
            badProblem: command(() => stopEarly("bad_problem")),
            source: command(showSource),
            sources: command(showSources),
            peek: command(page.problemPeek.toggle),
        },
    };
}
