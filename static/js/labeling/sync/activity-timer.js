/**
 * How long a person works on a task, and how long it is merely open. After a minute without input, and in a hidden tab,
 * time counts as idle.
 */
const IDLE_AFTER_MS = 60_000;

/** @param {{now?: () => number, idleAfter?: number, isVisible?: boolean}} [options]  `now` returns milliseconds */
export function createActivityTimer({ now = () => performance.now(), idleAfter = IDLE_AFTER_MS, isVisible = true } = {}) {
    let visible = isVisible;
    let countedUntil = now();
    let lastInput = countedUntil;
    let active = 0;
    let idle = 0;

    /** Add the time since the last count to the active and the idle time. */
    function count() {
        const time = now();
        const activeUntil = visible ? Math.min(time, lastInput + idleAfter) : countedUntil;
        const newlyActive = Math.max(0, activeUntil - countedUntil);
        active += newlyActive;
        idle += time - countedUntil - newlyActive;
        countedUntil = time;
    }

    return {
        noteInput() {
            count();
            lastInput = now();
        },
        setVisible(isNowVisible) {
            count();
            visible = isNowVisible;
            if (visible) lastInput = now();
        },
        /** Begin a task, with the times that its draft has already. */
        restart({ active_ms = 0, idle_ms = 0 } = {}) {
            countedUntil = lastInput = now();
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

/** Let the window's input events drive the timer. */
export function watchInput(timer, target = window) {
    for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchmove"]) {
        target.addEventListener(kind, () => timer.noteInput(), { passive: true, capture: true });
    }
    target.document.addEventListener("visibilitychange", () => timer.setVisible(!target.document.hidden));
}
