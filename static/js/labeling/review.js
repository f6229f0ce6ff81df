/**
 * A review session: a labeler's submission in the labeling page, with everything that is known of it. The reviewer accepts it,
 * returns it, or rates the steps anew and saves that as a correction; the next one of the queue is prepared meanwhile. The task
 * editor and the protocol are those of labelers. Nothing is claimed and nothing is drafted: what is not decided stays as it is.
 */
import { typesetDone, typesetInView } from "../shared/math.js";
import { askReason } from "./dialogs.js";
import { isOfSteps, startingStep, withEvidence } from "./review-evidence.js";
import * as stage from "./stage.js";
import { answersOf, areSameAnswers } from "./sync/answers.js";
import { createTaskEditor } from "./task-editor.js";

const TYPESET_TIMEOUT_MS = 1_500;
const NO_QUESTIONS = { alternatives: false, progress: false, critiques: false }; // A correction is of the steps alone.
const OFFLINE = "The server cannot be reached. Your decision is sent when it can be reached again: keep this page open.";
const FIXED = "A reviewer sees what the labeler had before them.";
const DONE = { accepted: "Accepted.", returned: "Returned to its labeler.", corrected: "Correction saved." };
const NOTHING_BEFORE = "You have not reviewed a submission yet, so there is nothing to go back to.";

/**
 * @param {object} needs
 * @param {object} needs.config  what the page was made for: the round, and in `review` the first assignment and the filters
 * @param {object} needs.panel   see `review-panel.js`
 * @param {object} needs.visited   what this reviewer was shown and decided, see `visited-submissions.js`
 * @param {(why: string) => void} needs.onNone  nothing waits, as the sentence says
 */
export function createReview({ config, protocol, api, connection, activity, page, panel, visited, onNone, onState }) {
    const { round, review, project } = config;
    let shown = null; // {id, opened, answers}: what is shown, and its answers as they count now.
    let next = null; // Prepared in the same way, with its view; without one it is of a round that another page shows.
    let queue = [];
    let fetching = null;
    let place = 0; // Counts the calls of `advance` and `open`: a response to an earlier one is late.
    let isSending = false;

    const isChanged = (state) => Boolean(shown) && !areSameAnswers(protocol.answersOf(state), shown.answers);
    const editor = createTaskEditor({
        protocol: { ...protocol, statusOf },
        options: { ...round.options, ...NO_QUESTIONS },
        // The questions to a labeler are asked of the server: a reviewer asks nothing.
        api: { post: () => Promise.reject(new Error(FIXED)) },
        connection, activity, page, onChange: () => {}, onSubmit: decide,
        canGoBack: visited.hasLast,
        whyFixed: () => shown?.opened.refusals.corrected ?? "",
    });

    /** The submission as it is can always be accepted; a change of it has to satisfy the protocol. */
    function statusOf(state) {
        const status = protocol.statusOf(state);
        if (isChanged(state)) return { ...status, label: "Save correction" };
        const { accepted } = shown?.opened.refusals ?? {};
        return { ...status, canSubmit: !accepted, canProceed: false, message: accepted || (shown?.opened.correction ? "As it was corrected" : "As it was submitted"), label: "Accept" };
    }

    // --- which submission is shown ------------------------------------------------------------------------------

    async function advance() {
        const ownPlace = leave();
        await fetching;
        const prepared = next ?? await fetchNext(ownPlace);
        next = null;
        if (ownPlace !== place || !prepared) return;
        if (!prepared.view) return location.assign(pathOf(prepared.id));
        await showPrepared(prepared, ownPlace);
    }

    /** Show this assignment, whatever the queue says. */
    async function open(id) {
        const ownPlace = leave();
        const prepared = await prepare({ id, round: round.number }).catch((error) => void page.notice(error.message, "error"));
        if (ownPlace === place && prepared) await showPrepared(prepared, ownPlace);
        else if (ownPlace === place) page.setBusy(false);
    }

    function leave() {
        editor.close();
        shown = null;
        page.setBusy(true);
        return place += 1;
    }

    async function showPrepared(prepared, ownPlace) {
        await typesetOf(prepared.view);
        if (ownPlace !== place) return;
        if (prepared.opened.assignment.round !== round.number) return location.replace(pathOf(prepared.id));
        show(prepared);
        fetching = fetchNext(ownPlace).then((fetched) => { next ??= fetched; }).finally(() => { fetching = null; });
    }

    /** The next of the queue, prepared; null, and said, where nothing waits. While one is shown, nothing is said. */
    async function fetchNext(ownPlace) {
        try {
            const row = await takeFromQueue(ownPlace);
            return row && (row.round === round.number ? await prepare(row) : row);
        } catch (error) {
            if (!shown && ownPlace === place) page.notice(error.message, "error");
            return null;
        }
    }

    async function takeFromQueue(ownPlace) {
        queue = queue.filter(({ id }) => !visited.hasSeen(id));
        if (!queue.length) {
            const query = new URLSearchParams({ ...review.filters, begin_with: round.number });
            if (visited.seen().length) query.set("leave_out", visited.seen().join(","));
            const { assignments, why_none: whyNone } = await connection.run(() => api.get(`/projects/${project.slug}/review-queue?${query}`));
            queue = assignments;
            if (!queue.length && !shown && ownPlace === place) onNone(whyNone);
        }
        return queue.shift() ?? null;
    }

    async function prepare({ id }) {
        const opened = await connection.run(() => api.get(`/assignments/${id}/review`));
        if (opened.assignment.round !== round.number) return { id, opened, round: opened.assignment.round };
        const view = withEvidence(editor.createView(opened.assignment), opened);
        stage.prepare(view.element); // Laid out there, so that the fonts that it needs are loaded.
        return { id, opened, view, round: round.number };
    }

    function typesetOf(view) {
        if (!view) return null;
        const laidOut = typesetInView(view.element).then(() => { view.element.getBoundingClientRect(); return document.fonts.ready; });
        return Promise.race([laidOut, typesetDone(), new Promise((resolve) => { setTimeout(resolve, TYPESET_TIMEOUT_MS); })]);
    }

    function show({ id, opened, view }) {
        const payload = opened.assignment;
        const given = withoutComments(answersOf(opened.correction ? { steps: opened.correction.steps } : opened.submission));
        const answers = { steps: [], ...given };
        shown = { id, opened, answers: protocol.answersOf(protocol.start(payload, answers, { ...round.options, ...NO_QUESTIONS })) };
        visited.note(id);
        activity.restart({});
        history.replaceState(null, "", pathOf(id));
        panel.show(opened, view.element.querySelector(".problem-pane"));
        editor.show(payload, view, answers);
        onState("idle");
        if (isOfSteps(round.protocol)) editor.act("go", startingStep(opened, shown.answers));
        // Beside the problem the first step to look at is scrolled to; below it, the problem is read first.
        if (getComputedStyle(view.element).display !== "grid") scrollTo({ top: 0, behavior: "instant" });
        const { state } = editor.task;
        page.announce(`Submission by ${opened.labeler}. ${protocol.describeCursor(state)} ${statusOf(state).message}.`);
    }

    const pathOf = (id) => `${review.base}/${id}${location.search}`;

    // --- decisions ------------------------------------------------------------------------------------------------

    /** Enter: accept what is unchanged, else save it as a correction. */
    async function decide({ steps, finish_reason: finishReason }) {
        if (!isChanged(editor.task.state)) return send({ decision: "accepted" });
        const asked = editor.task;
        const note = await askReason("correct");
        if (note === null || asked !== editor.task) return;
        await send({ decision: "corrected", note, steps, finish_reason: finishReason });
    }

    async function returnTask() {
        const { task } = editor;
        if (!task || isSending) return;
        const { returned } = shown.opened.refusals;
        if (returned) return page.notice(returned, "info");
        const note = await askReason("return");
        if (note && task === editor.task) await send({ decision: "returned", note });
    }

    async function send(decision) {
        const { id, opened } = shown;
        isSending = true;
        editor.setSending(true);
        onState("saving");
        try {
            await connection.run(() => api.post(`/assignments/${id}/review`, { ...decision, seen: opened.revision }));
        } catch (error) {
            onState("refused");
            endSending();
            if (error.code === "changed_since") await open(id); // Shows it as it is now.
            return page.notice(`Your decision was not saved: ${error.message}`, "error");
        }
        endSending();
        onState("saved");
        page.clearNotices();
        page.announce(DONE[decision.decision]);
        visited.noteDecision(id);
        await advance();
    }

    function endSending() {
        isSending = false;
        editor.setSending(false);
    }

    async function withdrawCorrection() {
        const { id } = shown;
        try {
            await connection.run(() => api.post(`/assignments/${id}/withdraw-correction`));
        } catch (error) {
            return page.notice(error.message, "error");
        }
        await open(id);
        page.notice("Correction withdrawn. The labeler's own ratings count again.", "success");
    }

    // --- the way through the queue ------------------------------------------------------------------------------------

    function skip() {
        if (editor.task && !isSending) advance();
    }

    /** Undo where nothing is changed leads back to what was reviewed last; what is shown comes again after that. */
    function undo() {
        if (editor.task && isChanged(editor.task.state) && editor.canUndo()) editor.commands.undo();
        else backToLast();
    }

    async function backToLast() {
        if (isSending) return;
        const last = visited.takeLast();
        if (last === null) return page.notice(NOTHING_BEFORE, "info");
        const ownPlace = place;
        await fetching; // What is being prepared comes after what is shown now.
        if (ownPlace !== place) return;
        if (next) queue.unshift({ id: next.id, round: next.round });
        if (shown) {
            visited.forget(shown.id);
            queue.unshift({ id: shown.id, round: round.number });
        }
        next = null;
        open(last);
    }

    function onConnectionChange(state) {
        if (isSending && state === "offline") page.notice(OFFLINE);
        else if (state === "online") page.clearNotices();
    }

    const ignore = () => {};
    return {
        advance, open, onConnectionChange,
        fit: editor.fit,
        hasUnsaved: () => isSending || Boolean(editor.task && isChanged(editor.task.state)),
        commands: {
            ...editor.commands, undo, skip, returnTask, backToLast, withdrawCorrection, history: panel.toggleHistory,
            giveUp: ignore, badProblem: ignore, comment: ignore, write: ignore, retake: ignore,
        },
    };
}

/** A remark belongs to its labeler: it stands among the evidence, and a correction does not repeat it. */
const withoutComments = ({ steps = [], ...others }) => ({ ...others, steps: steps.map(({ comment, ...step }) => step) });
