/**
 * The labeler's desk: the task at hand, the next one under it, and everything that happens to them. It knows the
 * protocol as a walk and the page as a view; drafts, outbox and leases keep the work safe.
 */
import { askReason } from "./dialogs.js";
import { ANSWERS, adopt, isKnown, moveTo, rate, ratedSteps, standing, start, undo } from "./protocols.js";
import { createTaskView, nameOfAnswer, pathOf } from "./view.js";

const LONGEST_TURN_MS = 86_400_000; // The server takes a day at most.
const FONTS_PATIENCE_MS = 1_500;

export function createDesk({ round, api, connection, tabs, clock, leases, drafts, outbox, frame, screens }) {
    const stage = document.getElementById("stage");
    const wings = document.getElementById("wings");
    let hand = null; // {sheet, view, path, walk}
    let next = null; // {sheet, view, path}
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
        if (!isKnown(sheet.protocol)) throw new Error(`This page does not know the protocol ${sheet.protocol}.`);
        const view = createTaskView(sheet, { rate: rateAt, select: (index) => go(index) });
        wings.replaceChildren(view.element); // Laid out there, so that the fonts that it needs are loaded.
        leases.hold(sheet.id, sheet.leased_until);
        return { sheet, view, path: pathOf(sheet) };
    }

    /** Nothing may move after it was shown: wait for the fonts of the first task, but not for ever. */
    function fontsFor({ view }) {
        view.element.getBoundingClientRect();
        return Promise.race([document.fonts.ready, new Promise((resolve) => { setTimeout(resolve, FONTS_PATIENCE_MS); })]);
    }

    function lay(ready) {
        const { sheet, view, path } = ready;
        const { steps, ...times } = drafts.open(sheet);
        clock.restart(times);
        const keys = path.map(({ position, candidate }) => ({ position, candidate }));
        hand = { ...ready, walk: start(sheet.protocol, keys, steps) };
        tabs.hold(inHand());
        paint();
        stage.replaceChildren(view.element);
        view.fit();
        frame.busy(false);
        view.toTop();
        view.reveal(hand.walk.cursor, { isSmooth: false });
        if (hand.walk.cursor === 0) view.toTop();
        frame.say(`New task, ${path.length} steps. ${standing(hand.walk).message}.`);
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
        screens.nothing(answer);
    }

    // --- rating -------------------------------------------------------------------------------------------------

    function paint() {
        const now = standing(hand.walk);
        hand.view.paint(hand.walk, now);
        frame.standing(hand.walk, now);
        frame.thumbs(hand.walk.cursor < now.live ? nameOfAnswer(hand.walk.answers[hand.walk.cursor]) : null);
    }

    /** Everything that changes the walk comes through here: paint first, then keep, then tell. */
    function become(walk, said = "") {
        const before = hand.walk;
        if (walk === before) return;
        hand.walk = walk;
        paint();
        if (walk.answers !== before.answers) drafts.change(ratedSteps(walk));
        hand.view.reveal(walk.cursor);
        const { legal, message } = standing(walk);
        const where = walk.cursor === before.cursor && said ? "" : ` Step ${walk.cursor + 1} of ${walk.steps.length}.`;
        frame.say(`${said}${where}${legal ? ` ${message}.` : ""}`);
    }

    function rateHere(name) {
        if (hand) become(rate(hand.walk, ANSWERS[name]), `Step ${hand.walk.cursor + 1} ${name}.`);
    }

    function rateAt(index, name) {
        if (!hand) return;
        hand.walk = moveTo(hand.walk, index);
        rateHere(name);
        paint();
    }

    function go(index) {
        if (hand && index < standing(hand.walk).open) become(moveTo(hand.walk, index));
    }

    // --- handing in ---------------------------------------------------------------------------------------------

    function submit() {
        if (!hand) return;
        const { legal, finish, message } = standing(hand.walk);
        if (legal) handIn(finish);
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
            steps: ratedSteps(walk),
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

    /** Another tab or device has handed this task in. */
    function submittedElsewhere(id) {
        if (next?.sheet.id === id) discardNext();
        if (hand?.sheet.id !== id) return;
        frame.notice("This task was handed in from another tab or device; here is the next one.", "info");
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
            ...Object.fromEntries(Object.keys(ANSWERS).map((name) => [name, () => rateHere(name)])),
            next: () => hand && go(hand.walk.cursor + 1),
            previous: () => hand && go(hand.walk.cursor - 1),
            undo: () => hand && become(undo(hand.walk), "Undone."),
            submit,
            giveUp: () => stopEarly("give_up"),
            badProblem: () => stopEarly("bad_problem"),
        },
        /** Ratings that came from another tab. */
        show(steps) {
            if (!hand) return;
            hand.walk = adopt(hand.walk, steps);
            paint();
            frame.say("These ratings come from your other tab or device.");
        },
        path: () => hand?.path ?? [],
        fit: () => hand?.view.fit(),
        /** What a page that goes away gives back: the task that nobody began, and the one that nobody saw. */
        unbegun() {
            const isBegun = hand && (hand.sheet.draft.version > 0 || hand.walk.past.length > 0 || hand.walk.answers.some(Boolean));
            const unbegun = [isBegun ? null : hand, next].filter(Boolean).map((one) => one.sheet.id);
            return unbegun.filter((id) => !tabs.areElsewhere(id) && !outbox.ids().includes(id));
        },
    };
}
