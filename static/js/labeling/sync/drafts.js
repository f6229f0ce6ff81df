/**
 * Saves the draft of the task at hand: in this browser at once, on the server a moment later. One request is under
 * way at a time and carries the newest ratings. Versions tell when another device saved meanwhile; then the person
 * chooses. Tabs of this browser tell each other directly, and follow one another without a question.
 *
 * @typedef {{id: number, task: number, version: number, rev: number, said: import("./answers.js").Said, saved: boolean, sent: import("./answers.js").Said[]}} Draft
 *   `version` counts the server's saves, `rev` the changes in this browser; `sent` is what the server may have from this
 *   browser without its word on it
 */
import { saidOf, saysTheSame } from "./answers.js";

const GATHER_MS = 120; // Ratings pressed in one go are one request.
const PATIENCE_MS = 1_000; // A submission waits so long for a save that is on its way, lest that comes in behind it.
const BEHIND_MS = 3_000; // The tab that rates also saves; the others only step in when it is gone.

/**
 * @param {object} needs
 * @param {Function} needs.onState     "saving", "saved" or "refused" (with the error)
 * @param {Function} needs.onForeign   ratings came from elsewhere: show them
 * @param {Function} needs.onSubmitted the task was handed in elsewhere
 * @param {Function} needs.choose      ({mine, theirs}) => Promise of "mine" or "theirs"
 * @param {Function} needs.onKept      (why): the server does not take the ratings of a task that was put off
 * @param {Function} needs.times       () => {active_ms, idle_ms}
 */
export function createDrafts({ api, connection, store, tell, times, choose, onState, onForeign, onSubmitted, onKept }) {
    let draft = null;
    let timer = 0;
    let underway = Promise.resolve();

    const keyOf = (id) => `draft:${id}`;
    const bodyOf = (one) => ({ version: one.version, ...one.said, ...times() });

    function keep(one) {
        const { id, task, version, rev, said, saved, sent } = one;
        store.write(keyOf(id), { id, task, version, rev, said, saved, sent, ...times() });
    }

    function announce(one, base) {
        const { id, rev, version, said, saved, sent } = one;
        tell("draft", { id, base, rev, version, said, saved, sent });
    }

    function remember(one, sent) {
        for (const said of sent) if (!wasSent(one, said)) one.sent.push(said);
    }

    function schedule(wait) {
        clearTimeout(timer);
        timer = setTimeout(() => save(draft), wait);
    }

    async function save(one) {
        if (!one || one.busy || one.saved) return;
        one.busy = true;
        onState("saving");
        while (one === draft && !one.saved) {
            try {
                await saveOnce(one);
            } catch (error) {
                if (one !== draft || !(await settle(one, error))) break;
            }
        }
        one.busy = false;
    }

    async function saveOnce(one) {
        let rev = one.rev;
        const answer = await connection.run(() => {
            if (one !== draft || one.saved) return undefined;
            rev = one.rev;
            remember(one, [one.said]);
            keep(one); // The server may have it before anybody hears so, and this tab be gone.
            const saving = api.put(`/assignments/${one.id}/draft`, bodyOf(one));
            underway = saving.catch(() => {});
            return saving;
        });
        if (answer) reached(one, answer.version, rev);
    }

    function reached(one, version, rev) {
        one.version = version;
        one.sent = [];
        one.saved = one.rev === rev;
        if (one !== draft) return;
        keep(one);
        if (!one.saved) return;
        announce(one, rev);
        onState("saved");
    }

    /** The server said no. True when there is reason to go on saving. */
    async function settle(one, error) {
        const stored = error.body?.draft;
        const theirs = stored && { version: stored.version, said: saidOf(stored) };
        if (error.code === "already_submitted") return onSubmitted(one.id), false;
        if (error.code !== "stale_draft" || !theirs) return onState("refused", error), false;
        // An answer that got lost on its way: the server has what we sent.
        if (saysTheSame(theirs.said, one.said)) return reached(one, theirs.version, one.rev), false;
        if (wasSent(one, theirs.said)) return reached(one, theirs.version, -1), true;
        return resolve(one, theirs);
    }

    async function resolve(one, theirs) {
        const choice = await choose({ mine: one.said, theirs: theirs.said });
        if (one !== draft) return false;
        one.version = theirs.version;
        if (choice === "mine") return true;
        one.said = theirs.said;
        one.rev += 1;
        reached(one, theirs.version, one.rev);
        onForeign(one.said);
        return false;
    }

    /**
     * The draft of a task that was put off. It is no longer at hand, so nobody is asked: what another device saved
     * meanwhile stands, and ours stays here until the task comes back.
     */
    async function saveLeft({ id, draft: left }, isWanted) {
        for (let { version } = left; ;) {
            try {
                const body = { version, ...left.said, active_ms: left.active_ms, idle_ms: left.idle_ms };
                const answer = await connection.run(() => isWanted() ? api.put(`/assignments/${id}/draft`, body) : undefined);
                return answer && noteSaved(id, left, answer.version);
            } catch (error) {
                const stored = error.body?.draft;
                if (error.code === "already_submitted") return undefined; // The skip itself meets that, and tells it.
                if (error.code !== "stale_draft" || !stored) return onKept(error.message);
                if (saysTheSame(saidOf(stored), left.said)) return noteSaved(id, left, stored.version);
                if (!wasSent(left, saidOf(stored))) return onKept("another device rated it meanwhile, and that stands.");
                version = stored.version;
            }
        }
    }

    function noteSaved(id, left, version) {
        const own = store.read(keyOf(id));
        if (own?.rev === left.rev) store.write(keyOf(id), { ...own, version, saved: true });
    }

    /** What this browser kept of the task, also under an earlier lease of it. */
    function kept(sheet) {
        const own = store.read(keyOf(sheet.id));
        if (own || sheet.draft.version) return own;
        const earlier = store.keys("draft:").map(store.read).filter((one) => one?.task === sheet.task);
        return earlier.length ? { ...earlier.at(-1), version: sheet.draft.version, saved: false } : null;
    }

    return {
        /** Take up a task; gives the ratings and times to go on from. A conflict is settled by the first save. */
        open(sheet) {
            const server = { ...sheet.draft, said: saidOf(sheet.draft) };
            const local = kept(sheet);
            const ahead = Boolean(local?.said && !local.saved && !saysTheSame(local.said, server.said));
            const { version, said } = ahead ? local : server;
            draft = { id: sheet.id, task: sheet.task, version, rev: local?.rev ?? 0, said, saved: !ahead, busy: false, sent: ahead ? local.sent ?? [] : [] };
            if (ahead) schedule(0);
            else onState("saved");
            return { said, active_ms: longest(local, server, "active_ms"), idle_ms: longest(local, server, "idle_ms") };
        },
        /** The person rated: keep it, and send it soon. */
        change(said) {
            const base = draft.rev;
            Object.assign(draft, { said, rev: base + 1, saved: false });
            keep(draft);
            announce(draft, base);
            onState("saving"); // It is not on the server yet, though the request still waits for more.
            schedule(GATHER_MS);
        },
        /** Another tab of this browser changed or saved its copy. */
        hear(news) {
            if (news.id !== draft?.id) return;
            const isSame = news.rev === draft.rev && saysTheSame(news.said, draft.said);
            const follows = news.rev > draft.rev && (draft.saved || news.base === draft.rev);
            if (!isSame && !follows) return; // Both went their own way: the server's versions will tell.
            const { rev, said, saved, sent = [] } = news;
            Object.assign(draft, { rev, said, saved: saved || (isSame && draft.saved), version: Math.max(draft.version, news.version) });
            if (!saved) remember(draft, [...sent, said]); // That tab sends it soon, and may be gone before it hears.
            if (follows) onForeign(said);
            if (draft.saved) onState("saved");
            else schedule(BEHIND_MS);
        },
        /** The page is going away: one last try, without waiting for the answer. */
        leave() {
            if (!draft || draft.saved) return;
            api.put(`/assignments/${draft.id}/draft`, bodyOf(draft), { keepalive: true }).catch(() => {});
        },
        /** What the server has not of the draft at hand, to be saved by `saveLeft`; null when it has all. */
        unsaved() {
            if (!draft || draft.saved) return null;
            const { version, rev, said, sent } = draft;
            return { version, rev, said, sent, ...times() };
        },
        saveLeft,
        /** Nothing is at hand any more. What is still to be sent is the outbox's, and it tells when that is done. */
        close() {
            clearTimeout(timer);
            if (draft) onState("saved");
            draft = null;
        },
        /** When no save is on its way, or after a moment. */
        atRest: () => Promise.race([underway, new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); })]),
        forget(id, task) {
            for (const key of store.keys("draft:")) {
                if (key === keyOf(id) || (task && store.read(key)?.task === task)) store.remove(key);
            }
        },
    };
}

function wasSent({ sent }, said) {
    return sent.some((one) => saysTheSame(one, said));
}

function longest(local, server, name) {
    return Math.max(local?.[name] ?? 0, server[name] ?? 0);
}
