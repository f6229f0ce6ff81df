/** The pages about projects: formulas, filters that apply themselves, files sent, dangerous buttons. All of it is extra. */
import { fitFormulas, typeset, typesetAnswer, typesetWithin } from "./shared/math.js";

// --- formulas --------------------------------------------------------------------------------------------------------

function typesetAll(root) {
    if (!globalThis.katex) return;
    for (const element of taken(root, "data-math")) typeset(element, element.textContent);
    for (const element of taken(root, "data-answer")) typesetAnswer(element, element.textContent);
    for (const element of taken(root, "data-prose")) typesetWithin(element);
    fitFormulas(root);
}

/** The elements with this mark, once: it is taken away, for htmx may show the same element again. */
function taken(root, mark) {
    const marked = [root, ...root.querySelectorAll(`[${mark}]`)].filter((one) => one.hasAttribute?.(mark));
    for (const one of marked) one.removeAttribute(mark);
    return marked;
}

// --- forms -----------------------------------------------------------------------------------------------------------

/** Filters and the like apply on change; their button is for who has no JavaScript. */
function applyOnChange(root) {
    for (const button of taken(root, "data-auto-button")) button.hidden = true;
    for (const form of taken(root, "data-auto")) {
        form.addEventListener("change", () => form.requestSubmit());
    }
}

/** One box for all boxes of a name on the page. */
function chooseAll(root) {
    for (const all of root.querySelectorAll("[data-all]")) {
        all.hidden = false;
        all.addEventListener("change", () => {
            for (const one of all.form?.elements ?? []) if (one.name === all.dataset.all) one.checked = all.checked;
        });
    }
}

function askFirst(event) {
    const question = event.target.dataset?.confirm;
    if (question && !globalThis.confirm(question)) event.preventDefault();
}

/** A button that has been pressed is not pressed again by the second half of a double click. */
function pressOnce(event) {
    if (event.defaultPrevented || event.target.method !== "post") return;
    // After the browser has read the form: a disabled button would not be sent with it.
    setTimeout(() => rest(event.target, true));
}

function rest(form, isResting) {
    for (const button of form.querySelectorAll("button:not([type=button])")) {
        button.disabled = isResting;
        button.setAttribute("autocomplete", "off"); // Or Firefox has it rest still when it comes back to the page.
    }
}

/** Empty filters are left out of the address. */
function leaveOutEmpty(event) {
    if (event.target.method !== "get") return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
}

/** A short name is suggested from the name until somebody writes their own. */
function suggestSlug(root) {
    for (const slug of root.querySelectorAll("[data-slug-of]")) {
        const name = document.getElementById(slug.dataset.slugOf);
        let isOwn = slug.value !== "";
        slug.addEventListener("input", () => { isOwn = slug.value !== ""; });
        name?.addEventListener("input", () => {
            if (!isOwn) slug.value = slugged(name.value);
        });
    }
}

function slugged(name) {
    return name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "").slice(0, 64);
}

// --- files -----------------------------------------------------------------------------------------------------------

/** A chosen or dropped file (file-drop.js) is sent at once, and how far it is can be seen. */
function sendFiles(root) {
    for (const form of root.querySelectorAll("form[data-drop]")) {
        const input = form.querySelector("input[type=file]");
        form.querySelector("[data-drop-words]").textContent = "Drop a file here, or choose one";
        const bar = form.querySelector("[data-upload-progress]");
        let request = null;
        input.addEventListener("change", () => {
            request?.abort(); // Another file was meant, or none.
            bar.hidden = true;
            rest(form, false);
            if (input.files.length) form.requestSubmit();
        });
        form.addEventListener("submit", (event) => {
            if (!input.files.length) return;
            event.preventDefault();
            rest(form, true); // The file is on its way: once is enough.
            request = send(form, bar);
        });
    }
}

/** With progress; whatever the answer is, the browser goes where the server sends it. */
function send(form, bar) {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
        bar.hidden = false;
        bar.max = total;
        bar.value = loaded;
    });
    request.addEventListener("load", () => {
        const isElsewhere = request.responseURL !== location.href.replace(/#.*/, "");
        if (isElsewhere) location.assign(request.responseURL); // Where the file is now, even if that page fails.
        else form.submit();
    });
    request.addEventListener("error", () => form.submit());
    request.open("POST", form.action || location.href);
    request.send(new FormData(form));
    return request;
}

// --- put together ----------------------------------------------------------------------------------------------------

if (globalThis.htmx) {
    // Complaints of a form and broken rules have words for the page; only what nobody foresaw has none.
    globalThis.htmx.config.responseHandling = [
        { code: "204", swap: false },
        { code: "(200|201|202|286)", swap: true },
        { code: "(400|403|409|422)", swap: true, error: true },
        { code: "...", swap: false, error: true },
    ];
}
typesetAll(document);
applyOnChange(document);
chooseAll(document);
suggestSlug(document);
sendFiles(document);
document.addEventListener("toggle", (event) => fitFormulas(event.target), true); // What was closed had no width.
document.addEventListener("submit", askFirst, true);
document.addEventListener("submit", leaveOutEmpty);
document.addEventListener("submit", pressOnce);
document.addEventListener("htmx:load", (event) => {
    typesetAll(event.detail.elt);
    applyOnChange(event.detail.elt);
});
// A button that is exchanged while it is held down would not be pressed; what comes every few seconds comes again.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const isPolled = detail.requestConfig.elt.matches("[hx-trigger^=every]");
    if (isPolled && detail.target.querySelector(":active")) detail.shouldSwap = false;
});
// Back from the cache, fields that were left out are there again, and buttons can be pressed again.
addEventListener("pageshow", ({ persisted }) => {
    for (const field of document.querySelectorAll("form[method=get] :disabled")) field.disabled = false;
    if (!persisted) return;
    for (const form of document.querySelectorAll("form[method=post]")) rest(form, false);
});
