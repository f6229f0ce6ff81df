/**
 * Submissions and skips that are on their way. An entry is stored before it is sent and removed when the server has
 * acknowledged it, so neither a dead network nor a closed tab loses it. Sending an entry twice counts once. A skip also
 * carries the draft that the server has not saved yet: that is saved first.
 */

/**
 * @param {object} needs
 * @param {string} needs.round        the page's round: the entries of all rounds are sent, and each keeps its own
 * @param {Function} needs.ready      resolves when an entry may be sent
 * @param {Function} needs.saveDraft  (entry, isWaiting): saves the draft that an entry carries
 * @param {Function} needs.onAccepted (entry, response): the server has it
 * @param {Function} needs.onRejected (entry, error): the server will never accept it
 */
export function createOutbox({ api, connection, store, round, ready, saveDraft, onAccepted, onRejected }) {
    let delivering = null;
    const keyOf = (id) => `outbox:${id}`;
    const entries = () => store.keys("outbox:").map(store.read).filter(Boolean);

    async function deliver(entry) {
        const isWaiting = () => store.read(keyOf(entry.id)) !== null; // Another tab may have sent it.
        try {
            await ready();
            if (entry.draft) await saveFirst(entry, isWaiting);
            const path = `/assignments/${entry.id}/${entry.action ?? "submit"}`;
            const response = await connection.run(() => isWaiting() ? api.post(path, entry.body, { keepalive: true }) : undefined);
            store.remove(keyOf(entry.id));
            if (response !== undefined) onAccepted(entry, response);
        } catch (error) {
            store.remove(keyOf(entry.id));
            onRejected(entry, error);
        }
    }

    /** The entry loses its draft at once: if the page closes now, the next one does not save it again. */
    async function saveFirst(entry, isWaiting) {
        await saveDraft(entry, isWaiting);
        if (isWaiting()) store.write(keyOf(entry.id), { ...entry, draft: null });
    }

    async function deliverAll() {
        for (let waiting = entries(); waiting.length; waiting = entries()) await deliver(waiting[0]);
    }

    return {
        /** Store an entry; `deliver` sends it. @param {{action?: "submit"|"skip", draft?: object|null}} [options] */
        add(id, task, body, { action = "submit", draft = null } = {}) {
            store.write(keyOf(id), { id, task, round, body, action, draft });
        },
        /** Send what waits, oldest first; resolves when nothing is left. */
        deliver() {
            delivering ??= deliverAll().finally(() => { delivering = null; });
            return delivering;
        },
        ids: () => entries().map(({ id }) => id),
        /** The assignment of this round that was submitted last of those that wait; null where none does. */
        newestSubmission: () => entries().filter((entry) => entry.action !== "skip" && entry.round === round).at(-1)?.id ?? null,
    };
}
