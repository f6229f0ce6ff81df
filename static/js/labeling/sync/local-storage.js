/** What the browser keeps for one person: drafts and submissions that the server has not yet acknowledged. */

const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;

/**
 * A store whose entries belong to `user`, so that two people on one machine never see each other's work.
 * Where the browser allows no storage (private mode, full disk), entries live as long as the page.
 */
export function createStore(user, backing = storageOrNull()) {
    const mine = `annotate:${user}:`;
    const memory = new Map();

    function read(key) {
        if (memory.has(key)) return memory.get(key);
        try {
            return JSON.parse(backing?.getItem(mine + key) ?? "null");
        } catch {
            return null; // Not ours, or cut off by a crash.
        }
    }

    function write(key, value) {
        const kept = { ...value, at: Date.now() };
        try {
            backing.setItem(mine + key, JSON.stringify(kept));
            memory.delete(key);
        } catch {
            memory.set(key, kept);
        }
    }

    function remove(key) {
        memory.delete(key);
        backing?.removeItem(mine + key);
    }

    /** The keys that start so, oldest entry first. */
    function keys(start) {
        const stored = backing ? Object.keys(backing) : [];
        const found = stored.filter((key) => key.startsWith(mine + start)).map((key) => key.slice(mine.length));
        for (const key of memory.keys()) if (key.startsWith(start) && !found.includes(key)) found.push(key);
        return found.sort((one, other) => (read(one)?.at ?? 0) - (read(other)?.at ?? 0));
    }

    /** Drop drafts that nobody came back to. Submissions stay until the server has them. */
    function tidy() {
        const oldest = Date.now() - KEPT_DAYS * DAY_MS;
        for (const key of keys("draft:")) if ((read(key)?.at ?? 0) < oldest) remove(key);
    }

    return { read, write, remove, keys, tidy };
}

function storageOrNull() {
    try {
        return globalThis.localStorage;
    } catch {
        return null;
    }
}
