/** The labeler's comments below the steps, and the text field of the one that is being written. */
import { clone } from "../view-parts.js";

/** @param {HTMLElement[]} rows  of the steps @param {Function} act */
export function createCommentsView(rows, act) {
    const parts = new Map(); // By the index of the step, once it has a comment.
    const openers = rows.map((row) => row.querySelector(".comment-open"));
    openers.forEach((opener, index) => {
        opener.setAttribute("aria-label", `Comment on step ${index + 1}`);
        opener.addEventListener("click", (event) => {
            event.stopPropagation(); // The row itself would only take the cursor.
            act("comment", index);
        });
    });

    function build(index) {
        const element = clone("comment-template");
        const field = element.querySelector("textarea");
        element.querySelector("[data-slot=label]").textContent = `Comment on step ${index + 1}`;
        element.querySelector(".comment-text").addEventListener("click", () => act("comment", index));
        element.querySelector("[data-act=leave]").addEventListener("click", () => act("leaveComment"));
        element.addEventListener("click", (event) => event.stopPropagation()); // The row itself would take the cursor back.
        field.addEventListener("input", () => act("typeComment", field.value));
        field.addEventListener("keydown", (event) => {
            const leaves = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
            if (!leaves || event.isComposing) return;
            event.preventDefault();
            event.stopPropagation();
            act("leaveComment");
        });
        rows[index].append(element);
        return { element, field, text: element.querySelector(".comment-text"), editor: element.querySelector(".comment-editor"), count: element.querySelector("[data-slot=count]") };
    }

    function paintOne(index, comment, isWritten) {
        if (!comment && !isWritten && !parts.has(index)) return;
        if (!parts.has(index)) parts.set(index, build(index));
        const { element, field, text, editor, count } = parts.get(index);
        element.hidden = !comment.trim() && !isWritten;
        text.hidden = isWritten;
        text.lastElementChild.textContent = comment;
        editor.hidden = !isWritten;
        if (field.value !== comment) field.value = comment;
        count.textContent = `${comment.length} of at most ${field.maxLength} characters`;
        if (!isWritten && document.activeElement === field) field.blur();
    }

    return {
        paint({ comments, cursor, isCommenting }, { openCount }) {
            openers.forEach((opener, index) => { opener.hidden = index >= openCount; });
            comments.forEach((comment, index) => paintOne(index, index < openCount ? comment : "", isCommenting && index === cursor));
        },
        /** The text field while the labeler writes; null otherwise. */
        target: ({ cursor, isCommenting }) => (isCommenting ? parts.get(cursor)?.field ?? null : null),
    };
}
