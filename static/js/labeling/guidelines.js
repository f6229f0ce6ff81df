/** The guidelines, open beside the task: the keys still rate while the labeler reads them. */
import { highlightWithin } from "../shared/code.js";
import { fitFormulas, typesetWithin } from "../shared/math.js";

export function createGuidelines() {
    const panel = document.getElementById("guidelines");
    const openers = document.querySelectorAll('[data-do="guidelines"][aria-controls]');
    let isTypeset = false;

    function toggle() {
        panel.hidden = !panel.hidden;
        document.body.classList.toggle("with-guidelines", !panel.hidden);
        for (const opener of openers) opener.setAttribute("aria-expanded", String(!panel.hidden));
        if (panel.hidden) return;
        if (!isTypeset) {
            typesetWithin(panel);
            highlightWithin(panel);
            fitFormulas(panel);
        }
        isTypeset = true;
        panel.focus();
    }

    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !panel.hidden && !document.querySelector("dialog[open]")) toggle();
    });
    return { toggle };
}
