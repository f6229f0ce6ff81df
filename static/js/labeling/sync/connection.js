/**
 * Keeps asking until the server has answered. Every request that must not be lost goes through `run`: it waits
 * while the network or the server is away, and while the sign-in has expired, and starts again when that is over.
 *
 * States: "up", "away" (no network, or the server is in trouble), "signed-out".
 */
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const SIGN_IN_WAIT_MS = 15_000; // Mostly the other tab tells, or the person who comes back to this one.

export function createConnection({ onChange = () => {}, dice = Math.random } = {}) {
    let state = "up";
    let sleepers = [];

    function become(next) {
        if (next === state) return;
        state = next;
        onChange(state);
    }

    /** Until somebody wakes us, or the time is over. */
    function rest(tries) {
        const wait = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** tries) * (0.75 + dice() / 2);
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, state === "signed-out" ? SIGN_IN_WAIT_MS : wait);
            sleepers.push(() => { clearTimeout(timer); resolve(); });
        });
    }

    return {
        get state() { return state; },
        /**
         * The answer of `attempt`, however long it takes. An answer that would stay the same is thrown.
         * An attempt that has become pointless returns undefined, without asking.
         */
        async run(attempt) {
            for (let tries = 0; ; tries += 1) {
                try {
                    const answer = await attempt();
                    if (answer !== undefined) become("up");
                    return answer;
                } catch (error) {
                    if (error.status === 401) become("signed-out");
                    else if (error.passing) become("away");
                    else throw error;
                }
                await rest(tries);
            }
        },
        /** The browser says that the network is gone: no need to find out by asking. */
        lose() {
            if (state === "up") become("away");
        },
        /** Something changed (network, sign-in, the tab is looked at again): try at once. */
        wake() {
            const woken = sleepers;
            sleepers = [];
            woken.forEach((resume) => resume());
            if (!woken.length && state === "away") become("up"); // Nobody waits; the next request will tell.
        },
    };
}

/** Wake a connection when the browser has reason to hope. */
export function watchForHope(connection, target = window) {
    const hope = () => target.navigator.onLine && !target.document.hidden && connection.wake();
    target.addEventListener("offline", connection.lose);
    target.addEventListener("online", connection.wake);
    target.addEventListener("focus", hope);
    target.document.addEventListener("visibilitychange", hope);
}
