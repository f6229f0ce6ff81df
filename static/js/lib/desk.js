/**
 * The labeler's desk: the task at hand, the next one under it, and everything that happens to them. What the protocol
 * wants is the bench's; the desk knows a walk and a view. Drafts, outbox and leases keep the work safe.
 */
import { askReason } from "./dialogs.js";
import { saysTheSame } from "./said.js";

const LONGEST_TURN_MS = 86_400_000; // The server takes a day at most.
const FONTS_PATIENCE_MS = 1_500;

export function createDesk({ round, options, bench, api, connection, tabs, clock, leases, drafts, outbox, frame, screens }) {
    const stage = document.getElementById("stage");
    const wings = document.getElementById("wings");
    let hand = null; // {sheet, view, walk}
    let next = null; // {sheet, view}
    let fetching = null;
    let turn = 0; // Counts the tasks shown: an answer that belongs to an earlier one is late.

    const inHand = () => [hand, next].filter(Boolean).map((one) => one.sheet.id);
    const claim = () => connection.run(() => api.post(`${round}/claim`, { holding: [...inHand(), ...outbox.ids()] }));

    // --- which task ---------------------------------------------------------------------------------------------

    /** Lay the next task on the desk: the one that stands ready, else what the server gives. */
    async function advance() {
        const mine = ++turn;
        putAway();
        frame.busy(true);
        if (!next) screens.waitFor(() => mine === turn && !hand);
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
        if (mine === turn && hand) fetchNext();
    }

    async function fetchNow(mine) {
        await outbox.deliver();
        try {
            const answer = await claim();
            if (mine !== turn) return;
            frame.progress(answer.progress);
            if (!answer.assignment) return end(answer);
            const ready = prepare(answer.assignment);
            await fontsFor(ready);
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
                if (sheet && !next && sheet.id !== hand?.sheet.id) next = prepare(sheet);
                tabs.hold(inHand());
            })
            .catch(() => {}) // The claim that shows a task will meet the same error, and says it.
            .finally(() => { fetching = null; });
    }

    function prepare(sheet) {
        const view = bench.createView(sheet, act, { options, post: (path, body) => connection.run(() => api.post(path, body)) });
        wings.replaceChildren(view.element); // Laid out there, so that the fonts that it needs are loaded.
        leases.hold(sheet.id, sheet.leased_until);
        return { sheet, view };
    }

    /** Nothing may move after it was shown: wait for the fonts of the first task, but not for ever. */
    function fontsFor({ view }) {
        view.element.getBoundingClientRect();
        return Promise.race([document.fonts.ready, new Promise((resolve) => { setTimeout(resolve, FONTS_PATIENCE_MS); })]);
    }

    function lay(ready) {
        const { sheet, view } = ready;
        const { said, ...times } = drafts.open(sheet);
        clock.restart(times);
        hand = { ...ready, walk: bench.start(sheet, said, options) };
        tabs.hold(inHand());
        paint();
        frame.reviewerNote(sheet.note ?? "");
        stage.replaceChildren(view.element);
        view.fit();
        frame.busy(false);
        scrollTo({ top: 0, behavior: "instant" });
        // A task that nobody began is read from its problem on, not from the first place where something is to be said.
        view.reveal(hand.walk, { isSmooth: false });
        if (!bench.isBegun(hand.walk)) scrollTo({ top: 0, behavior: "instant" });
        const returned = sheet.note ? ` A reviewer returned this task to you: ${sheet.note}.` : "";
        frame.say(`${bench.greeting(hand.walk)}${returned} ${bench.standing(hand.walk).message}.`);
    }

    function putAway() {
        if (hand) leases.drop(hand.sheet.id);
        hand = null;
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

    // --- labeling -----------------------------------------------------------------------------------------------

    function paint() {
        const now = bench.standing(hand.walk);
        hand.view.paint(hand.walk, now);
        frame.standing(now, bench.undo(hand.walk) !== hand.walk);
    }

    /** Everything that changes the walk comes through here: paint first, then keep, then tell, unless there is nothing to tell. */
    function become(walk, said = "", { isQuiet = false } = {}) {
        const before = hand.walk;
        if (walk === before) return;
        hand.walk = walk;
        paint();
        const now = bench.said(walk);
        if (!saysTheSame(now, bench.said(before))) drafts.change(now);
        if (isQuiet) return;
        hand.view.reveal(walk);
        if (said === null) return; // Whoever types hears it already.
        const { legal, message } = bench.standing(walk);
        const where = bench.where(walk) === bench.where(before) && said ? "" : ` ${bench.where(walk)}`;
        frame.say(`${said}${where}${legal ? ` ${message}.` : ""}`);
    }

    /** Do what a key, a button or a click in the task means; what cannot be done now is let be. */
    function act(name, ...given) {
        const done = hand && bench.acts[name](hand.walk, ...given);
        if (!done) return false;
        become(done.walk, done.said, done);
        paint();
        return true;
    }

    // --- handing in ---------------------------------------------------------------------------------------------

    function submit() {
        if (!hand) return;
        const { legal, finish, message } = bench.standing(hand.walk);
        if (legal) handIn(finish);
        else if (bench.acts.proceed && act("proceed")) return;
        else frame.say(`Not yet. ${message}.`);
    }

    async function stopEarly(kind) {
        const asked = hand;
        if (!asked) return;
        const reason = await askReason(kind);
        if (reason && asked === hand) handIn(kind, reason);
    }

    /** Written down first, sent in the background: the next task does not wait for the network. */
    function handIn(finish, reason = "") {
        const { sheet, walk } = hand;
        const { active_ms, idle_ms } = clock.read();
        outbox.add(sheet.id, sheet.task, {
            ...(bench.handsIn ?? bench.said)(walk),
            finish_reason: finish,
            reason,
            active_ms: Math.min(active_ms, LONGEST_TURN_MS),
            idle_ms,
        });
        tabs.tell("submitted", { id: sheet.id });
        frame.clearNotices();
        frame.handedIn();
        advance();
    }

    /** To the end of one's own queue. Written down first, as a submission is: the next task does not wait. */
    async function skip() {
        const asked = hand;
        if (!asked) return;
        const reason = await askReason("skip");
        if (reason === null || asked !== hand) return;
        drafts.leave();
        outbox.add(asked.sheet.id, asked.sheet.task, { reason }, "skip");
        tabs.tell("submitted", { id: asked.sheet.id });
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
        if (hand?.sheet.id !== id) return;
        frame.notice("This task was handed in or put off from another tab or device; here is the next one.", "info");
        advance();
    }

    function leaseEnded(id) {
        if (next?.sheet.id === id) discardNext();
        else if (hand?.sheet.id === id) frame.notice("Your time for this task ran out, and others may get it too. What you submit is still taken.");
    }

    return {
        advance,
        submittedElsewhere,
        leaseEnded,
        commands: {
            ...Object.fromEntries(Object.keys(bench.acts).map((name) => [name, () => act(name)])),
            undo: () => hand && become(bench.undo(hand.walk), "Undone."),
            submit,
            skip,
            retake,
            giveUp: () => stopEarly("give_up"),
            badProblem: () => stopEarly("bad_problem"),
        },
        /** Labels that came from another tab. */
        show(said) {
            if (!hand) return;
            hand.walk = bench.adopt(hand.walk, said);
            paint();
            frame.say("These ratings come from your other tab or device.");
        },
        /** Two versions of what was said of the task at hand, row by row. */
        rows: (said) => hand ? bench.rows(hand.sheet, said) : [],
        fit: () => hand?.view.fit(),
        /** What a page that goes away gives back: the task that nobody began, and the one that nobody saw. */
        unbegun() {
            const isBegun = hand && (hand.sheet.draft.version > 0 || bench.isBegun(hand.walk));
            const unbegun = [isBegun ? null : hand, next].filter(Boolean).map((one) => one.sheet.id);
            return unbegun.filter((id) => !tabs.areElsewhere(id) && !outbox.ids().includes(id));
        },
    };
}
