/** The pages about projects: formulas, filters that apply on change, uploads, dangerous buttons. Pages work without it. */
import { highlightWithin } from "./shared/code.js";
import { fitFormulas, typeset, typesetAnswer, typesetWithin } from "./shared/math.js";
import { createSourceButton, showText } from "./shared/texts.js";

// --- texts -----------------------------------------------------------------------------------------------------------

function typesetAll(root) {
    if (!globalThis.katex) return;
    for (const element of takeMarked(root, "data-text")) {
        showText(element, element.textContent);
        const button = createSourceButton(element);
        if (button) element.before(button);
    }
    for (const element of takeMarked(root, "data-math")) typeset(element, element.textContent);
    for (const element of takeMarked(root, "data-answer")) typesetAnswer(element, element.textContent);
    for (const element of takeMarked(root, "data-prose")) {
        typesetWithin(element);
        highlightWithin(element);
    }
    fitFormulas(root);
}

/** The elements with this attribute, which is removed: htmx may show the same element again. */
function takeMarked(root, attribute) {
    const marked = [root, ...root.querySelectorAll(`[${attribute}]`)].filter((element) => element.hasAttribute?.(attribute));
    for (const element of marked) element.removeAttribute(attribute);
    return marked;
}

// --- forms -----------------------------------------------------------------------------------------------------------

/** Filters and the like apply on change; their button is for pages without JavaScript. */
function applyOnChange(root) {
    for (const button of takeMarked(root, "data-auto-button")) button.hidden = true;
    for (const form of takeMarked(root, "data-auto")) {
        form.addEventListener("change", () => form.requestSubmit());
    }
}

/** A checkbox that checks all checkboxes of a name in its form. */
function chooseAll(root) {
    for (const all of root.querySelectorAll("[data-all]")) {
        all.hidden = false;
        all.addEventListener("change", () => {
            for (const field of all.form?.elements ?? []) if (field.name === all.dataset.all) field.checked = all.checked;
        });
    }
}

function confirmFirst(event) {
    const question = event.target.dataset?.confirm;
    if (question && !globalThis.confirm(question)) event.preventDefault();
}

/** Disable a form's buttons once it is sent, so that a double click does not send it twice. */
function sendOnce(event) {
    if (event.defaultPrevented || event.target.method !== "post") return;
    // After the browser has read the form: the value of a disabled button is not sent.
    setTimeout(() => setDisabled(event.target, true));
}

function setDisabled(form, isDisabled) {
    for (const button of form.querySelectorAll("button:not([type=button])")) {
        button.disabled = isDisabled;
        button.setAttribute("autocomplete", "off"); // Otherwise Firefox keeps it disabled when the person returns to the page.
    }
}

/** Leave empty filters out of the URL. */
function leaveOutEmpty(event) {
    if (event.target.method !== "get") return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
}

/** Suggest a short name from the name until the person writes one. */
function suggestSlug(root) {
    for (const slug of root.querySelectorAll("[data-slug-of]")) {
        const name = document.getElementById(slug.dataset.slugOf);
        let isOwn = slug.value !== "";
        slug.addEventListener("input", () => { isOwn = slug.value !== ""; });
        name?.addEventListener("input", () => {
            if (!isOwn) slug.value = slugOf(name.value);
        });
    }
}

function slugOf(name) {
    return name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "").slice(0, 64);
}

// --- files -----------------------------------------------------------------------------------------------------------

/** Send a chosen or dropped file (file-drop.js) at once, and show the progress. */
function sendFiles(root) {
    for (const form of root.querySelectorAll("form[data-drop]")) {
        const input = form.querySelector("input[type=file]");
        form.querySelector("[data-drop-words]").textContent = "Drop a file here, or choose one";
        const bar = form.querySelector("[data-upload-progress]");
        let request = null;
        input.addEventListener("change", () => {
            request?.abort(); // The person chose another file, or none.
            bar.hidden = true;
            setDisabled(form, false);
            if (input.files.length) form.requestSubmit();
        });
        form.addEventListener("submit", (event) => {
            if (!input.files.length) return;
            event.preventDefault();
            setDisabled(form, true); // The file is being sent.
            request = send(form, bar);
        });
    }
}

/** Send the form with a progress bar, then go where the server redirects. */
function send(form, bar) {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
        bar.hidden = false;
        bar.max = total;
        bar.value = loaded;
    });
    request.addEventListener("load", () => {
        const isRedirected = request.responseURL !== location.href.replace(/#.*/, "");
        if (isRedirected) location.assign(request.responseURL); // The file is stored there, even if that page fails.
        else form.submit();
    });
    request.addEventListener("error", () => form.submit());
    request.open("POST", form.action || location.href);
    request.send(new FormData(form));
    return request;
}

// --- put together ----------------------------------------------------------------------------------------------------

if (globalThis.htmx) {
    // Form errors and refusals are HTML for the page; unexpected errors are not.
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
document.addEventListener("toggle", (event) => fitFormulas(event.target), true); // Closed content had no width.
addEventListener("resize", () => fitFormulas(document));
document.addEventListener("submit", confirmFirst, true);
document.addEventListener("submit", leaveOutEmpty);
document.addEventListener("submit", sendOnce);
document.addEventListener("htmx:load", (event) => {
    typesetAll(event.detail.elt);
    applyOnChange(event.detail.elt);
});
// Replacing a button while it is held down would lose the click; content that is polled is replaced the next time.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const isPolled = detail.requestConfig.elt.matches("[hx-trigger^=every]");
    if (isPolled && detail.target.querySelector(":active")) detail.shouldSwap = false;
});
// On a page from the browser's cache, enable the fields that were left out and the buttons again.
addEventListener("pageshow", ({ persisted }) => {
    for (const field of document.querySelectorAll("form[method=get] :disabled")) field.disabled = false;
    if (!persisted) return;
    for (const form of document.querySelectorAll("form[method=post]")) setDisabled(form, false);
});
