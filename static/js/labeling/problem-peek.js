/**
 * The problem stays in view. Where it stands beside the steps, it is there anyway; where it stands above them, a copy of its first
 * lines and of the reference answer is laid over the top of the page once it is scrolled away, and shows all of it on demand.
 * Nothing moves when the copy comes or goes.
 */
const byId = (id) => document.getElementById(id);

export function createProblemPeek() {
    const panel = byId("problem-peek");
    const place = byId("problem-peek-text");
    const button = byId("problem-peek-button");
    let pane = null;
    const observer = new IntersectionObserver((entries) => {
        const { isIntersecting, boundingClientRect } = entries.at(-1);
        const isAbove = pane.isConnected && !isIntersecting && boundingClientRect.bottom < innerHeight / 2;
        if (isAbove === panel.hidden) show(isAbove);
    }, { rootMargin: "-60px 0px 0px 0px" });

    function show(isShown) {
        panel.hidden = !isShown;
        open(false);
        if (isShown) place.replaceChildren(...copies(pane));
        // Rows are scrolled to below it. A custom property would do the same, and make the browser style the whole page again.
        document.documentElement.style.scrollPaddingTop = isShown ? `${panel.firstElementChild.offsetHeight}px` : "";
    }

    function open(isOpen) {
        panel.classList.toggle("open", isOpen);
        button.setAttribute("aria-expanded", String(isOpen));
        place.inert = !isOpen; // Screen readers have the problem itself.
        place.tabIndex = isOpen ? 0 : -1;
        if (!isOpen) place.scrollTop = 0;
    }

    /** Beside the steps, a problem longer than the window turns its pages. */
    function turnPage() {
        const isAtEnd = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 1;
        pane.scrollTop = isAtEnd ? 0 : pane.scrollTop + 0.9 * pane.clientHeight;
    }

    return {
        /** @param {HTMLElement} task  what is shown now */
        follow(task) {
            observer.disconnect();
            show(false);
            pane = task.querySelector(".problem-pane");
            observer.observe(pane);
        },
        toggle() {
            if (panel.hidden) return turnPage();
            open(!panel.classList.contains("open"));
        },
    };
}

/** The statement and the reference answer once more, without what takes the focus. */
function copies(pane) {
    const originals = [pane.querySelector(".problem"), pane.querySelector(".meta .answer")].filter(Boolean);
    return originals.map((original) => {
        const copy = original.cloneNode(true);
        delete copy.dataset.slot;
        for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
        return copy;
    });
}
