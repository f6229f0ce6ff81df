/**
 * The task in hand: how it is painted, changed, and said to be done. Where it comes from, what keeps it safe and where
 * it goes is for whoever holds it: the desk, or a correction.
 *
 * @typedef {{sheet: object, view: import("./protocols/index.js").View, walk: object, reason: string}} Task
 *   `reason` is the one that was given last for stopping early
 */
import { askReason } from "./dialogs.js";
import { saysTheSame } from "./sync/answers.js";

const LONGEST_TURN_MS = 86_400_000; // The server takes a day at most.

/**
 * @param {object} needs
 * @param {(said: import("./sync/answers.js").Said) => void} needs.onSaid  the person says something else than before: keep it
 * @param {(body: object) => void} needs.onDone                    the person is done: hand this in
 */
export function createHand({ bench, options, api, connection, clock, frame, onSaid, onDone }) {
    const stage = document.getElementById("stage");
    const tools = { options, post: (path, body) => connection.run(() => api.post(path, body)) };
    /** @type {Task|null} */
    let task = null;
    let isSending = false;

    function paint() {
        const now = bench.standing(task.walk);
        task.view.paint(task.walk, now);
        frame.standing(now, bench.undo(task.walk) !== task.walk);
    }

    /** Everything that changes the walk comes through here: paint first, then keep, then tell, unless there is nothing to tell. */
    function become(walk, said = "", { isQuiet = false } = {}) {
        const before = task.walk;
        if (walk === before) return;
        task.walk = walk;
        paint();
        const now = bench.said(walk);
        if (!saysTheSame(now, bench.said(before))) onSaid(now);
        if (isQuiet) return;
        task.view.reveal(walk);
        if (said === null) return; // Whoever types hears it already.
        const { legal, message } = bench.standing(walk);
        const where = bench.where(walk) === bench.where(before) && said ? "" : ` ${bench.where(walk)}`;
        frame.say(`${said}${where}${legal ? ` ${message}.` : ""}`);
    }

    /** Do what a key, a button or a click in the task means; what cannot be done now is let be. */
    function act(name, ...given) {
        const done = task && bench.acts[name](task.walk, ...given);
        if (!done) return false;
        become(done.walk, done.said, done);
        paint();
        return true;
    }

    function submit() {
        const { legal, finish, message } = bench.standing(task.walk);
        if (legal) done(finish);
        else if (bench.acts.proceed && act("proceed")) return;
        else frame.say(`Not yet. ${message}.`);
    }

    async function stopEarly(kind) {
        const asked = task;
        const reason = await askReason(kind, asked.reason);
        if (!reason || asked !== task || isSending) return;
        task.reason = reason;
        done(kind, reason);
    }

    function done(finish, reason = "") {
        const { active_ms, idle_ms } = clock.read();
        const said = (bench.handsIn ?? bench.said)(task.walk);
        onDone({ ...said, finish_reason: finish, reason, active_ms: Math.min(active_ms, LONGEST_TURN_MS), idle_ms });
    }

    /** What a key or a button means, while there is a task that may be changed. */
    const command = (run) => () => task && !isSending && run();

    return {
        get task() { return task; },
        viewOf: (sheet) => bench.createView(sheet, act, tools),
        take(sheet, view, said) {
            task = { sheet, view, walk: bench.start(sheet, said, options), reason: "" };
            paint();
            stage.replaceChildren(view.element);
            view.fit();
            frame.busy(false);
        },
        drop() { task = null; },
        /** It is on its way: nothing that the person does may change what is shown. */
        sending(isOn) {
            isSending = isOn;
            stage.inert = isOn;
            frame.sending(isOn);
            paint();
            if (!isOn) task.view.reveal(task.walk);
        },
        /** Take over what was said elsewhere; undo brings the own back. */
        adopt(said) {
            task.walk = bench.adopt(task.walk, said);
            paint();
        },
        fit: () => task?.view.fit(),
        commands: {
            ...Object.fromEntries(Object.keys(bench.acts).map((name) => [name, command(() => act(name))])),
            undo: command(() => become(bench.undo(task.walk), "Undone.")),
            submit: command(submit),
            giveUp: command(() => stopEarly("give_up")),
            badProblem: command(() => stopEarly("bad_problem")),
        },
    };
}
