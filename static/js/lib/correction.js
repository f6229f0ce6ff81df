/**
 * A task that was handed in, on the desk again to be corrected. No lease and no draft: what stands on the server stays
 * until the correction is saved, and then the page goes back to where it came from. It answers as the desk does.
 */
import { askReason } from "./dialogs.js";
import { saidOf } from "./said.js";

const LONGEST_TURN_MS = 86_400_000;

export function createCorrection({ turn, options, bench, api, connection, clock, frame, leaveTo }) {
    const stage = document.getElementById("stage");
    let hand = null; // {view, walk}
    let isSending = false;

    async function open() {
        frame.busy(true);
        try {
            const { assignment: sheet, said } = await connection.run(() => api.get(`/assignments/${turn}`));
            const tools = { options, post: (path, body) => connection.run(() => api.post(path, body)) };
            const view = bench.createView(sheet, act, tools);
            hand = { view, walk: bench.start(sheet, { steps: [], ...saidOf(said) }, options) };
            clock.restart({});
            paint();
            stage.replaceChildren(view.element);
            view.fit();
            frame.notice("You have submitted this task. Change what you said, and save it: the earlier version is kept.", "info");
            frame.say(`Correct a task. ${bench.standing(hand.walk).message}.`);
        } catch (error) {
            frame.notice(error.message, "error");
        }
        frame.busy(false);
    }

    function paint() {
        const now = bench.standing(hand.walk);
        hand.view.paint(hand.walk, now);
        frame.standing(now, bench.undo(hand.walk) !== hand.walk);
    }

    function become(walk, said = "", { isQuiet = false } = {}) {
        if (walk === hand.walk) return;
        hand.walk = walk;
        paint();
        if (isQuiet) return;
        hand.view.reveal(walk);
        if (said !== null) frame.say(`${said} ${bench.standing(walk).message}.`);
    }

    function act(name, ...given) {
        const done = hand && bench.acts[name](hand.walk, ...given);
        if (!done) return false;
        become(done.walk, done.said, done);
        paint();
        return true;
    }

    function submit() {
        if (!hand) return;
        const { legal, finish, message } = bench.standing(hand.walk);
        if (legal) save(finish);
        else if (bench.acts.proceed && act("proceed")) return;
        else frame.say(`Not yet. ${message}.`);
    }

    async function stopEarly(kind) {
        const reason = hand && await askReason(kind);
        if (reason) save(kind, reason);
    }

    async function save(finish, reason = "") {
        if (isSending) return;
        isSending = true;
        const { active_ms, idle_ms } = clock.read();
        const body = { ...bench.said(hand.walk), finish_reason: finish, reason, active_ms: Math.min(active_ms, LONGEST_TURN_MS), idle_ms };
        try {
            await connection.run(() => api.post(`/assignments/${turn}/correct`, body));
            location.assign(leaveTo);
        } catch (error) {
            isSending = false;
            frame.notice(`The correction was not taken: ${error.message}`, "error");
        }
    }

    const nothing = () => {};
    return {
        advance: open,
        submittedElsewhere: nothing,
        leaseEnded: nothing,
        show: nothing,
        rows: () => [],
        unbegun: () => [],
        fit: () => hand?.view.fit(),
        commands: {
            ...Object.fromEntries(Object.keys(bench.acts).map((name) => [name, () => act(name)])),
            undo: () => hand && become(bench.undo(hand.walk), "Undone."),
            submit,
            skip: nothing,
            retake: nothing,
            giveUp: () => stopEarly("give_up"),
            badProblem: () => stopEarly("bad_problem"),
        },
    };
}
