/**
 * How long somebody worked on a task, and how long it merely stood open. Without input for a minute, or in a
 * hidden tab, time is idle. `now` is passed so that tests need not wait.
 */
const IDLE_AFTER_MS = 60_000;

export function createClock({ now = () => performance.now(), idleAfter = IDLE_AFTER_MS, isVisible = true } = {}) {
    let visible = isVisible;
    let counted = now();
    let lastInput = counted;
    let active = 0;
    let idle = 0;

    /** Share out what has passed since the last count. */
    function count() {
        const at = now();
        const awakeUntil = visible ? Math.min(at, lastInput + idleAfter) : counted;
        const awake = Math.max(0, awakeUntil - counted);
        active += awake;
        idle += at - counted - awake;
        counted = at;
    }

    return {
        touch() {
            count();
            lastInput = now();
        },
        show(isShown) {
            count();
            visible = isShown;
            if (isShown) lastInput = now();
        },
        /** Begin a task, with the times that its draft has already. */
        restart({ active_ms = 0, idle_ms = 0 } = {}) {
            counted = lastInput = now();
            active = active_ms ?? 0;
            idle = idle_ms ?? 0;
        },
        /** @returns {{active_ms: number, idle_ms: number}} */
        read() {
            count();
            return { active_ms: Math.round(active), idle_ms: Math.round(idle) };
        },
        isActive: () => visible && now() - lastInput < idleAfter,
    };
}

/** Let the window's input drive a clock. */
export function watchInput(clock, target = window) {
    const touch = () => clock.touch();
    for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchmove"]) {
        target.addEventListener(kind, touch, { passive: true, capture: true });
    }
    target.document.addEventListener("visibilitychange", () => clock.show(!target.document.hidden));
}
