/** Keeps the leases of the tasks in hand alive while somebody works on them. */

const LOOK_EVERY_MS = 15_000;
const RENEW_EVERY_MS = 5 * 60_000;

/**
 * @param {object} needs
 * @param {Function} needs.onLost  (id): the lease ended; what is submitted is still taken
 */
export function createLeases({ api, clock, onLost, every = LOOK_EVERY_MS }) {
    const held = new Map();

    /** Every five minutes, or at half of what is left when that is sooner. */
    function plan(id, until) {
        const ends = Date.parse(until);
        const now = api.serverNow();
        held.set(id, { ends, due: now + Math.min(RENEW_EVERY_MS, Math.max(0, ends - now) / 2) });
    }

    async function renew(id) {
        try {
            const { leased_until: until } = await api.post(`/assignments/${id}/renew`);
            if (held.has(id)) plan(id, until);
        } catch (error) {
            // Without a network the next look tries again; only the server's no is final.
            if (error.passing || error.status === 401 || !held.delete(id)) return;
            onLost(id);
        }
    }

    function look() {
        if (!clock.isActive()) return;
        for (const [id, { due }] of held) if (api.serverNow() >= due) renew(id);
    }

    setInterval(look, every);

    return {
        hold: (id, until) => plan(id, until),
        drop: (id) => held.delete(id),
        hasEnded: (id) => (held.get(id)?.ends ?? 0) <= api.serverNow(),
    };
}
