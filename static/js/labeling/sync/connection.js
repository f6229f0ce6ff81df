/**
 * Repeats requests until the server has answered. Every request that must not be lost goes through `run`: it waits while
 * the network or the server is unavailable and while the sign-in has expired, and tries again afterwards.
 *
 * States: "online", "offline" (no network, or the server fails), "signed-out".
 */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
const SIGN_IN_PAUSE_MS = 15_000; // Usually another tab reports the sign-in, or the focus returns to this one.

export function createConnection({ onChange = () => {}, random = Math.random } = {}) {
    let state = "online";
    let wakers = [];

    function become(next) {
        if (next === state) return;
        state = next;
        onChange(state);
    }

    /** Wait for the pause after this many attempts, or until `retryNow`. */
    function pause(attempts) {
        const backoff = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** attempts) * (0.75 + random() / 2);
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, state === "signed-out" ? SIGN_IN_PAUSE_MS : backoff);
            wakers.push(() => { clearTimeout(timer); resolve(); });
        });
    }

    return {
        get state() { return state; },
        /**
         * The response to `attempt`, however long it takes. Throws an error that would stay the same. An attempt that has
         * become pointless returns undefined without a request.
         */
        async run(attempt) {
            for (let attempts = 0; ; attempts += 1) {
                try {
                    const response = await attempt();
                    if (response !== undefined) become("online");
                    return response;
                } catch (error) {
                    if (error.status === 401) become("signed-out");
                    else if (error.isTemporary) become("offline");
                    else throw error;
                }
                await pause(attempts);
            }
        },
        /** The browser reports that the network is gone. */
        goOffline() {
            if (state === "online") become("offline");
        },
        /** Something changed (network, sign-in, the tab is visible again): try at once. */
        retryNow() {
            const waiting = wakers;
            wakers = [];
            waiting.forEach((wake) => wake());
            if (!waiting.length && state === "offline") become("online"); // No request waits; the next one shows whether it is true.
        },
    };
}

/** Let the window's events take the connection offline and make it try again. */
export function watchNetwork(connection, target = window) {
    const retry = () => target.navigator.onLine && !target.document.hidden && connection.retryNow();
    target.addEventListener("offline", connection.goOffline);
    target.addEventListener("online", connection.retryNow);
    target.addEventListener("focus", retry);
    target.document.addEventListener("visibilitychange", retry);
}
