/**
 * The labeler's desk: the task in hand, the next one under it, where they come from and where they go. How a task is
 * changed is the hand's; drafts, outbox and leases keep the work safe.
 */
import { askReason } from "./dialogs.js";
import { createHand } from "./task-editor.js";
import { typesetDone } from "../shared/math.js";

const PATIENCE_MS = 1_500;

export function createDesk({ round, options, bench, api, connection, tabs, clock, leases, drafts, outbox, frame, screens }) {
    const wings = document.getElementById("wings");
    const hand = createHand({ bench, options, api, connection, clock, frame, onSaid: drafts.change, onDone: handIn });
    let next = null; // {sheet, view}
    let fetching = null;
    let turn = 0; // Counts the tasks shown: an answer that belongs to an earlier one is late.

    const inHand = () => [hand.task, next].filter(Boolean).map((one) => one.sheet.id);
    const claim = () => connection.run(() => api.post(`${round}/claim`, { holding: [...inHand(), ...outbox.ids()] }));

    // --- which task ---------------------------------------------------------------------------------------------

    /** Lay the next task on the desk: the one that stands ready, else what the server gives. */
    async function advance() {
        const mine = ++turn;
        putAway();
        frame.busy(true);
        if (!next) screens.waitFor(() => mine === turn && !hand.task);
        await fetching;
        if (next && leases.hasEnded(next.sheet.id)) discardNext();
        if (next) {
            const ready = next;
            next = null;
            lay(ready);
        } else {
            await fetchNow(mine);
        }
        await outbox.deliver();
        if (mine === turn && hand.task) fetchNext();
    }

    async function fetchNow(mine) {
        await outbox.deliver();
        try {
            const answer = await claim();
            if (mine !== turn) return;
            frame.progress(answer.progress);
            if (!answer.assignment) return end(answer);
            const ready = prepare(answer.assignment);
            await settled(ready);
            if (mine === turn) lay(ready);
        } catch (error) {
            if (mine === turn) end({ reason: error.code, message: error.message });
        }
    }

    /** While one task is being read, the next is fetched and typeset: Enter then shows it at once. */
    function fetchNext() {
        if (next || fetching || outbox.ids().length) return;
        fetching = claim()
            .then((answer) => {
                const sheet = answer.assignment;
                if (sheet && !next && sheet.id !== hand.task?.sheet.id) next = prepare(sheet);
                tabs.hold(inHand());
            })
            .catch(() => {}) // The claim that shows a task will meet the same error, and says it.
            .finally(() => { fetching = null; });
    }

    function prepare(sheet) {
        const view = hand.viewOf(sheet);
        wings.replaceChildren(view.element); // Laid out there, so that the fonts that it needs are loaded.
        leases.hold(sheet.id, sheet.leased_until);
        return { sheet, view };
    }

    /** Nothing may move after it was shown: wait for the formulas of the first task and their fonts, but not for ever. */
    function settled({ view }) {
        const laidOut = typesetDone().then(() => {
            view.element.getBoundingClientRect();
            return document.fonts.ready;
        });
        return Promise.race([laidOut, new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); })]);
    }

    function lay({ sheet, view }) {
        const { said, ...times } = drafts.open(sheet);
        clock.restart(times);
        frame.reviewerNote(sheet.note ?? "");
        hand.take(sheet, view, said);
        tabs.hold(inHand());
        scrollTo({ top: 0, behavior: "instant" });
        const { walk } = hand.task;
        // A task that nobody began is read from its problem on, not from the first place where something is to be said.
        view.reveal(walk, { isSmooth: false });
        if (!bench.isBegun(walk)) scrollTo({ top: 0, behavior: "instant" });
        const returned = sheet.note ? ` A reviewer returned this task to you: ${sheet.note}.` : "";
        frame.say(`${bench.greeting(walk)}${returned} ${bench.standing(walk).message}.`);
    }

    function putAway() {
        if (hand.task) leases.drop(hand.task.sheet.id);
        hand.drop();
        drafts.close();
    }

    function discardNext() {
        leases.drop(next.sheet.id);
        next = null;
        tabs.hold(inHand());
    }

    function end(answer) {
        frame.busy(false);
        frame.reviewerNote("");
        screens.nothing(answer);
    }

    // --- handing in ---------------------------------------------------------------------------------------------

    /** Written down first, sent in the background: the next task does not wait for the network. */
    function handIn(body) {
        const { sheet } = hand.task;
        outbox.add(sheet.id, sheet.task, body);
        goOn(sheet);
    }

    /** To the end of one's own queue. Written down first, as a submission is; what the server has not of the draft goes along. */
    async function skip() {
        const asked = hand.task;
        if (!asked) return;
        const reason = await askReason("skip");
        if (reason === null || asked !== hand.task) return;
        outbox.add(asked.sheet.id, asked.sheet.task, { reason }, { act: "skip", draft: drafts.unsaved() });
        goOn(asked.sheet);
    }

    function goOn({ id }) {
        tabs.tell("submitted", { id });
        frame.clearNotices();
        frame.handedIn();
        advance();
    }

    async function retake() {
        try {
            await connection.run(() => api.post(`${round}/retake`));
        } catch (error) {
            frame.notice(error.message);
        }
        advance();
    }

    /** Another tab or device has handed this task in. */
    function submittedElsewhere(id) {
        if (next?.sheet.id === id) discardNext();
        if (hand.task?.sheet.id !== id) return;
        frame.notice("This task was handed in or put off from another tab or device; here is the next one.", "info");
        advance();
    }

    function leaseEnded(id) {
        if (next?.sheet.id === id) discardNext();
        else if (hand.task?.sheet.id === id) frame.notice("Your time for this task ran out, and others may get it too. What you submit is still taken.");
    }

    return {
        advance,
        submittedElsewhere,
        leaseEnded,
        stateChanged: screens.stateChanged,
        commands: { ...hand.commands, skip, retake },
        /** Labels that came from another tab. */
        show(said) {
            if (!hand.task) return;
            hand.adopt(said);
            frame.say("These ratings come from your other tab or device.");
        },
        /** Two versions of what was said of the task at hand, row by row. */
        rows: (said) => hand.task ? bench.rows(hand.task.sheet, said) : [],
        fit: hand.fit,
        /** What a page that goes away gives back: the task that nobody began, and the one that nobody saw. */
        unbegun() {
            const { task } = hand;
            const isBegun = task && (task.sheet.draft.version > 0 || bench.isBegun(task.walk));
            const unbegun = [isBegun ? null : task, next].filter(Boolean).map((one) => one.sheet.id);
            return unbegun.filter((id) => !tabs.areElsewhere(id) && !outbox.ids().includes(id));
        },
    };
}
