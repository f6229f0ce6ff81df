/** What is shown in place of a task, such as a test's announcement. Each panel has at most one action that Enter runs. */
import { clone } from "./protocols/view-parts.js";
import * as stage from "./stage.js";

/** @param {{showKeys: () => void}} needs  draws the keys on the page as the key map has them */
export function createPanels({ showKeys }) {
    let shown = null; // {element, run}

    return {
        /** @param {HTMLElement} element @param {(() => void)|null} [run]  what Enter does */
        show(element, run = null) {
            shown = { element, run };
            document.getElementById("action-bar").hidden = true;
            stage.current().setAttribute("aria-busy", "false");
            stage.show(element);
            showKeys();
            scrollTo({ top: 0, behavior: "instant" });
            // The heading and not the button: a key that is still held down must not press it.
            element.querySelector("h2").focus({ preventScroll: true });
        },
        isShown: () => Boolean(shown?.element.isConnected),
        /** Run the panel's action, once. Returns whether there was one. */
        enter() {
            const run = shown?.element.isConnected ? shown.run : null;
            if (run) shown.run = null;
            run?.();
            return Boolean(run);
        },
    };
}

/** Announce a screening or training before its first task; resolves when the labeler begins. */
export function announceRound(panels) {
    if (!document.getElementById("intro-template")) return Promise.resolve();
    return new Promise((begin) => { panels.show(clone("intro-template"), begin); });
}
