/** Lets people drop files on `.drop`. Without this script its file input still works. */
for (const zone of document.querySelectorAll(".drop")) {
    const input = zone.querySelector("input[type=file]");
    const mark = (isOver) => (event) => {
        event.preventDefault();
        zone.classList.toggle("over", isOver);
    };
    zone.addEventListener("dragover", mark(true));
    zone.addEventListener("dragleave", mark(false));
    zone.addEventListener("drop", (event) => {
        mark(false)(event);
        if (!event.dataTransfer.files.length) return;
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    });
}
