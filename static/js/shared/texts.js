/**
 * Shows the texts of problems and solutions as the project wants them: rendered (Markdown, code and formulas), or plain (formulas
 * only). Each can be shown as it was written.
 */
import { fitFormulas, typeset } from "./math.js";
import { markdownNodes } from "./markdown.js";

/** @type {WeakMap<Element, string>} the text that each element shows */
const texts = new WeakMap();
/** @type {WeakMap<Element, HTMLButtonElement>} the button of each element that shows its source */
const buttons = new WeakMap();

// The page's document: an element cloned from a template has one of its own.
const isRendered = () => document.querySelector("meta[name=text-format]")?.content === "rendered";

/** Replace the content of `element` by `text`. */
export function showText(element, text) {
    texts.set(element, text);
    element.classList.remove("as-written");
    const libraries = { markdownit: globalThis.markdownit, katex: globalThis.katex };
    const nodes = isRendered() ? markdownNodes(text, element.ownerDocument, libraries) : null;
    element.classList.toggle("rendered", nodes !== null);
    if (nodes === null) return typeset(element, text);
    element.dir ||= "auto";
    element.replaceChildren(...nodes);
}

/** Whether the element shows its text otherwise than it was written. */
export function hasSource(element) {
    return element.classList.contains("rendered") || element.querySelector(".math") !== null;
}

/** A button that shows the element's text as it was written, and back; null where it is shown so anyway. */
export function createSourceButton(element) {
    if (!hasSource(element)) return null;
    const button = element.ownerDocument.createElement("button");
    button.type = "button";
    button.className = "link source-button";
    button.textContent = "</>";
    button.title = "Show the text as it was written";
    button.setAttribute("aria-label", "Source");
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", (event) => {
        setSource(element, !isSource(element));
        if (event.detail > 0) button.blur(); // Enter is the page's again.
    });
    buttons.set(element, button);
    return button;
}

const isSource = (element) => element.classList.contains("as-written");

/** Show the text as it was written, or as the project wants it. */
export function setSource(element, isNowSource) {
    if (!texts.has(element) || isSource(element) === isNowSource) return;
    buttons.get(element)?.setAttribute("aria-pressed", String(isNowSource));
    const text = texts.get(element);
    if (!isNowSource) {
        showText(element, text);
        fitFormulas(element);
        return;
    }
    element.classList.remove("rendered");
    element.classList.add("as-written");
    element.textContent = text;
}
