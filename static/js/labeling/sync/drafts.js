/**
 * Saves the draft of the current task: in this browser at once, on the server a moment later. Only one request is under way at
 * a time, and it carries the newest answers. Versions reveal that another device has saved meanwhile; then the person
 * chooses. Tabs of this browser send each other their drafts, and follow one another without a question.
 *
 * @typedef {import("./answers.js").Answers} Answers
 * @typedef {{id: number, task: number, version: number, revision: number, answers: Answers, saved: boolean, sent: Answers[]}} Draft
 *   `version` counts the server's saves, `revision` the changes in this browser; `sent` are the answers that the server may
 *   have from this browser although it has not confirmed them
 */
import { answersOf, areSameAnswers } from "./answers.js";

const GATHER_MS = 120; // Answers given in quick succession are one request.
const SAVE_TIMEOUT_MS = 1_000; // A submission waits this long for a save under way, which must not arrive after it.
const FOLLOWER_DELAY_MS = 3_000; // The tab that rates also saves; the others save only when it is gone.

/**
 * @param {object} needs
 * @param {Function} needs.send        (kind, message): sends a message to the other tabs
 * @param {Function} needs.times       () => {active_ms, idle_ms}
 * @param {Function} needs.choose      ({own, saved}) => Promise of "own" or "saved"
 * @param {Function} needs.onState     "saving", "saved" or "refused" (with the error)
 * @param {Function} needs.onReplaced  (answers): answers came from elsewhere; show them
 * @param {Function} needs.onSubmitted (id): the task was submitted elsewhere
 * @param {Function} needs.onUnsaved   (reason): the server does not accept the answers of a skipped task
 */
export function createDrafts({ api, connection, store, send, times, choose, onState, onReplaced, onSubmitted, onUnsaved }) {
    /** @type {Draft|null} */
    let current = null;
    let timer = 0;
    let underway = Promise.resolve();

    const keyOf = (id) => `draft:${id}`;
    const bodyOf = ({ version, answers }) => ({ version, ...answers, ...times() });

    function keep({ id, task, version, revision, answers, saved, sent }) {
        store.write(keyOf(id), { id, task, version, revision, answers, saved, sent, ...times() });
    }

    /** @param {number} base  the revision that the change is based on */
    function announce({ id, revision, version, answers, saved, sent }, base) {
        send("draft", { id, base, revision, version, answers, saved, sent });
    }

    function addSent(draft, versions) {
        for (const answers of versions) if (!wasSent(draft, answers)) draft.sent.push(answers);
    }

    function schedule(delay) {
        clearTimeout(timer);
        timer = setTimeout(() => save(current), delay);
    }

    async function save(draft) {
        if (!draft || draft.isSaving || draft.saved) return;
        draft.isSaving = true;
        onState("saving");
        while (draft === current && !draft.saved) {
            try {
                await saveOnce(draft);
            } catch (error) {
                if (draft !== current || !(await handleRefusal(draft, error))) break;
            }
        }
        draft.isSaving = false;
    }

    async function saveOnce(draft) {
        let { revision } = draft;
        const response = await connection.run(() => {
            if (draft !== current || draft.saved) return undefined;
            ({ revision } = draft);
            addSent(draft, [draft.answers]);
            keep(draft); // The server may receive it, and this tab close before the response arrives.
            const request = api.put(`/assignments/${draft.id}/draft`, bodyOf(draft));
            underway = request.catch(() => {});
            return request;
        });
        if (response) noteSaved(draft, response.version, revision);
    }

    function noteSaved(draft, version, revision) {
        draft.version = version;
        draft.sent = [];
        draft.saved = draft.revision === revision;
        if (draft !== current) return;
        keep(draft);
        if (!draft.saved) return;
        announce(draft, revision);
        onState("saved");
    }

    /** The server refused the draft. Returns whether saving should continue. */
    async function handleRefusal(draft, error) {
        const stored = error.body?.draft;
        if (error.code === "already_submitted") return onSubmitted(draft.id), false;
        if (error.code !== "stale_draft" || !stored) return onState("refused", error), false;
        const saved = answersOf(stored);
        // The server has what this browser sent, and its response was lost.
        if (areSameAnswers(saved, draft.answers)) return noteSaved(draft, stored.version, draft.revision), false;
        if (wasSent(draft, saved)) return noteSaved(draft, stored.version, -1), true;
        return resolveConflict(draft, stored.version, saved);
    }

    async function resolveConflict(draft, version, saved) {
        const choice = await choose({ own: draft.answers, saved });
        if (draft !== current) return false;
        draft.version = version;
        if (choice === "own") return true;
        draft.answers = saved;
        draft.revision += 1;
        noteSaved(draft, version, draft.revision);
        onReplaced(saved);
        return false;
    }

    /**
     * Save the draft of a skipped task. The task is no longer shown, so there is no question: what another device has saved
     * meanwhile is kept on the server, and the answers of this browser stay here until the task returns.
     */
    async function saveSkipped({ id, draft }, isWanted) {
        for (let { version } = draft; ;) {
            try {
                const body = { version, ...draft.answers, active_ms: draft.active_ms, idle_ms: draft.idle_ms };
                const response = await connection.run(() => isWanted() ? api.put(`/assignments/${id}/draft`, body) : undefined);
                return response && markSaved(id, draft, response.version);
            } catch (error) {
                const stored = error.body?.draft;
                if (error.code === "already_submitted") return undefined; // The skip itself is refused too, and reports it.
                if (error.code !== "stale_draft" || !stored) return onUnsaved(error.message);
                if (areSameAnswers(answersOf(stored), draft.answers)) return markSaved(id, draft, stored.version);
                if (!wasSent(draft, answersOf(stored))) return onUnsaved("Another device has saved other ratings.");
                version = stored.version;
            }
        }
    }

    function markSaved(id, { revision }, version) {
        const kept = store.read(keyOf(id));
        if (kept?.revision === revision) store.write(keyOf(id), { ...kept, version, saved: true });
    }

    /** The draft that this browser keeps of the task, possibly from an earlier lease of it. */
    function keptDraft(payload) {
        const kept = store.read(keyOf(payload.id));
        if (kept || payload.draft.version) return kept;
        const earlier = store.keys("draft:").map(store.read).filter((draft) => draft?.task === payload.task);
        return earlier.length ? { ...earlier.at(-1), version: payload.draft.version, saved: false } : null;
    }

    return {
        /** Begin a task; returns the answers and times to continue from. The first save resolves a conflict. */
        open(payload) {
            const stored = { ...payload.draft, answers: answersOf(payload.draft) };
            const kept = keptDraft(payload);
            const isAhead = Boolean(kept?.answers && !kept.saved && !areSameAnswers(kept.answers, stored.answers));
            const { version, answers } = isAhead ? kept : stored;
            current = {
                id: payload.id, task: payload.task, version, revision: kept?.revision ?? 0, answers,
                saved: !isAhead, isSaving: false, sent: isAhead ? kept.sent ?? [] : [],
            };
            if (isAhead) schedule(0);
            else onState("saved");
            const longest = (name) => Math.max(kept?.[name] ?? 0, stored[name] ?? 0);
            return { answers, active_ms: longest("active_ms"), idle_ms: longest("idle_ms") };
        },
        /** The answers changed: keep them, and send them soon. */
        change(answers) {
            const base = current.revision;
            Object.assign(current, { answers, revision: base + 1, saved: false });
            keep(current);
            announce(current, base);
            onState("saving"); // The request waits for further changes, but the server does not have this one yet.
            schedule(GATHER_MS);
        },
        /** Another tab of this browser changed or saved its copy. */
        receive({ id, base, revision, version, answers, saved, sent = [] }) {
            if (id !== current?.id) return;
            const isSame = revision === current.revision && areSameAnswers(answers, current.answers);
            const isNext = revision > current.revision && (current.saved || base === current.revision);
            if (!isSame && !isNext) return; // Both tabs changed the draft: the server's versions decide.
            const isSaved = saved || (isSame && current.saved);
            Object.assign(current, { revision, answers, saved: isSaved, version: Math.max(current.version, version) });
            if (!saved) addSent(current, [...sent, answers]); // That tab sends it soon, and may close before the response arrives.
            if (isNext) onReplaced(answers);
            if (current.saved) onState("saved");
            else schedule(FOLLOWER_DELAY_MS);
        },
        /** The page closes: send the draft once more, without waiting for the response. */
        leave() {
            if (!current || current.saved) return;
            api.put(`/assignments/${current.id}/draft`, bodyOf(current), { keepalive: true }).catch(() => {});
        },
        /** What the server does not have of the current draft, for `saveSkipped`; null when it has everything. */
        unsaved() {
            if (!current || current.saved) return null;
            const { version, revision, answers, sent } = current;
            return { version, revision, answers, sent, ...times() };
        },
        saveSkipped,
        /** No task is shown any more. What is still to be sent is in the outbox, which reports when that is done. */
        close() {
            clearTimeout(timer);
            if (current) onState("saved");
            current = null;
        },
        /** Resolves when no save is under way, or after a moment. */
        atRest: () => Promise.race([underway, new Promise((resolve) => { setTimeout(resolve, SAVE_TIMEOUT_MS); })]),
        forget(id, task) {
            for (const key of store.keys("draft:")) {
                if (key === keyOf(id) || (task && store.read(key)?.task === task)) store.remove(key);
            }
        },
    };
}

function wasSent({ sent }, answers) {
    return sent.some((version) => areSameAnswers(version, answers));
}
