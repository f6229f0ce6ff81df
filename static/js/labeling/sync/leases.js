/** Keeps the leases of the page's assignments alive while the person works. */

const CHECK_EVERY_MS = 15_000;
const RENEW_EVERY_MS = 5 * 60_000;

/**
 * @param {object} needs
 * @param {Function} needs.onEnded  (id): the lease has ended; a submission is still accepted
 */
export function createLeases({ api, activity, onEnded, checkEvery = CHECK_EVERY_MS }) {
    const leases = new Map();

    /** Renew after five minutes, or after half of what is left when that is sooner. */
    function hold(id, until) {
        const ends = Date.parse(until);
        const now = api.serverNow();
        leases.set(id, { ends, renewAt: now + Math.min(RENEW_EVERY_MS, Math.max(0, ends - now) / 2) });
    }

    async function renew(id) {
        try {
            const { leased_until: until } = await api.post(`/assignments/${id}/renew`);
            if (leases.has(id)) hold(id, until);
        } catch (error) {
            // Without a network the next check tries again; only a refusal by the server is final.
            if (error.isTemporary || error.status === 401 || !leases.delete(id)) return;
            onEnded(id);
        }
    }

    setInterval(() => {
        if (!activity.isActive()) return;
        for (const [id, { renewAt }] of leases) if (api.serverNow() >= renewAt) renew(id);
    }, checkEvery);

    return {
        hold,
        drop: (id) => leases.delete(id),
        hasEnded: (id) => (leases.get(id)?.ends ?? 0) <= api.serverNow(),
    };
}
