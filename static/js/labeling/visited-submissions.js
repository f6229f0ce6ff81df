/**
 * Which submissions a reviewer was shown and decided, in this tab: those are not shown again, and undo leads back through the
 * decisions. The tab keeps it, as another round's submissions are shown by another page.
 */
const MOST = 300;

/** @param {string} key  of this person and project */
export function createVisited(key, backing = sessionStorage) {
    let { seen = [], decided = [] } = read();

    function read() {
        try {
            return JSON.parse(backing.getItem(key)) ?? {};
        } catch {
            return {};
        }
    }

    function write() {
        seen = seen.slice(-MOST);
        decided = decided.slice(-MOST);
        try {
            backing.setItem(key, JSON.stringify({ seen, decided }));
        } catch {
            // It lasts as long as the page.
        }
    }

    return {
        seen: () => seen,
        hasSeen: (id) => seen.includes(id),
        hasLast: () => decided.length > 0,
        note(id) {
            seen = [...seen.filter((other) => other !== id), id];
            write();
        },
        /** It waits again. */
        forget(id) {
            seen = seen.filter((other) => other !== id);
            write();
        },
        noteDecision(id) {
            decided = [...decided.filter((other) => other !== id), id];
            write();
        },
        /** What was decided last, which is then no longer the last; null where there is none. */
        takeLast() {
            const last = decided.pop() ?? null;
            write();
            return last;
        },
        /** Show again what was passed over. */
        clearSeen() {
            seen = [...decided];
            write();
        },
    };
}
