/** The tasks that the labeler has skipped in the round, shown where there is no other task: each is opened by its problem. */
import { typeset, fitFormulas } from "../shared/math.js";
import { clone } from "./protocols/view-parts.js";

const LONGEST_STATEMENT = 240;

/** @param {{path: string, resume: (id: number) => void}} needs @returns {(section: HTMLElement) => Promise<void>} */
export function createSkippedList({ api, path, resume }) {
    return async (section) => {
        let skipped;
        try {
            skipped = (await api.get(path)).results;
        } catch {
            return; // The list is an extra: what keeps the server from answering is shown elsewhere.
        }
        if (!skipped.length || !section.isConnected) return;
        const list = clone("skipped-template");
        list.querySelector("ul").append(...skipped.map((task) => rowOf(task, resume)));
        section.append(list);
        fitFormulas(list);
    };
}

function rowOf({ id, statement, reason, why_not: whyNot }, resume) {
    const row = document.createElement("li");
    const problem = document.createElement(whyNot ? "span" : "button");
    if (!whyNot) Object.assign(problem, { type: "button", className: "link" });
    if (!whyNot) problem.addEventListener("click", () => resume(id));
    problem.dir = "auto";
    typeset(problem, statement.length > LONGEST_STATEMENT ? `${statement.slice(0, LONGEST_STATEMENT)}…` : statement);
    row.append(problem);
    const note = [reason && `You skipped it: ${reason}`, whyNot].filter(Boolean).join(". ");
    if (note) {
        const small = document.createElement("p");
        small.className = "small muted";
        small.textContent = note;
        row.append(small);
    }
    return row;
}
