/** What the browser keeps for one person: drafts and submissions that the server has not acknowledged yet. */

const DAY_MS = 86_400_000;
const MAX_DRAFT_AGE_DAYS = 30;

/**
 * A store whose entries belong to `user`: two people on one machine never see each other's work. Where the browser allows no
 * storage (private mode, full disk), entries last as long as the page.
 */
export function createLocalStore(user, backing = storageOrNull()) {
    const prefix = `annotate:${user}:`;
    const memory = new Map();

    function read(key) {
        if (memory.has(key)) return memory.get(key);
        try {
            return JSON.parse(backing?.getItem(prefix + key) ?? "null");
        } catch {
            return null; // Written by another program, or cut off by a crash.
        }
    }

    function write(key, value) {
        const entry = { ...value, at: Date.now() };
        try {
            backing.setItem(prefix + key, JSON.stringify(entry));
            memory.delete(key);
        } catch {
            memory.set(key, entry);
        }
    }

    function remove(key) {
        memory.delete(key);
        backing?.removeItem(prefix + key);
    }

    /** The keys with this prefix, oldest entry first. */
    function keys(start) {
        const stored = Object.keys(backing ?? {}).filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length));
        const unstored = [...memory.keys()].filter((key) => key.startsWith(start) && !stored.includes(key));
        return [...stored, ...unstored].sort((left, right) => (read(left)?.at ?? 0) - (read(right)?.at ?? 0));
    }

    /** Drop drafts that have not been touched for long. Submissions stay until the server has them. */
    function dropOldDrafts() {
        const oldest = Date.now() - MAX_DRAFT_AGE_DAYS * DAY_MS;
        for (const key of keys("draft:")) if ((read(key)?.at ?? 0) < oldest) remove(key);
    }

    return { read, write, remove, keys, dropOldDrafts };
}

function storageOrNull() {
    try {
        return globalThis.localStorage;
    } catch {
        return null;
    }
}
