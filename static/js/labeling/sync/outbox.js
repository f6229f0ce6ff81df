/**
 * Submissions, and tasks that are put off, on their way. One is written down before it is sent and struck out when the
 * server has acknowledged it, so that neither a dead network nor a closed tab loses it. Sending it twice counts once.
 * What is put off takes along what the server has not of its draft: that is saved first.
 */

/**
 * @param {object} needs
 * @param {Function} needs.before     resolves when an entry may be sent
 * @param {Function} needs.saveDraft  (entry, isStillHere): saves the draft that goes along with it
 * @param {Function} needs.onTaken    (entry, answer): the server has it
 * @param {Function} needs.onRefused  (entry, error): the server will never take it so
 */
export function createOutbox({ api, connection, store, before, saveDraft, onTaken, onRefused }) {
    let running = null;
    const keyOf = (id) => `outbox:${id}`;
    const waiting = () => store.keys("outbox:").map(store.read).filter(Boolean);

    async function deliver(entry) {
        const isStillHere = () => store.read(keyOf(entry.id)) !== null; // Another tab may have been quicker.
        try {
            await before();
            if (entry.draft) await saveFirst(entry, isStillHere);
            const answer = await connection.run(() =>
                isStillHere() ? api.post(`/assignments/${entry.id}/${entry.act ?? "submit"}`, entry.body, { keepalive: true }) : undefined);
            store.remove(keyOf(entry.id));
            if (answer !== undefined) onTaken(entry, answer);
        } catch (error) {
            store.remove(keyOf(entry.id));
            onRefused(entry, error);
        }
    }

    /** Struck out by itself: if the page goes away now, the next one does not save it again. */
    async function saveFirst(entry, isStillHere) {
        await saveDraft(entry, isStillHere);
        if (isStillHere()) store.write(keyOf(entry.id), { ...entry, draft: null });
    }

    async function deliverAll() {
        for (let entries = waiting(); entries.length; entries = waiting()) await deliver(entries[0]);
    }

    return {
        /** Write it down; `deliver` sends it. @param {{act?: "submit"|"skip", draft?: object|null}} [more] */
        add(id, task, body, { act = "submit", draft = null } = {}) {
            store.write(keyOf(id), { id, task, body, act, draft });
        },
        /** Send what waits, oldest first; resolves when nothing is left. */
        deliver() {
            running ??= deliverAll().finally(() => { running = null; });
            return running;
        },
        ids: () => waiting().map((entry) => entry.id),
    };
}
