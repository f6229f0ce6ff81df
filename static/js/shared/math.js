/**
 * Texts with mathematics in them, drawn by KaTeX. Texts are hostile input: everything enters the page as
 * text nodes or through KaTeX's own DOM, never as HTML; and no text holds the page up: formulas are bounded, cannot
 * define commands, and are typeset in slices between which the page answers.
 */
import { cutText, isSymbolic, LONGEST_FORMULA } from "./formulas.js";
import { createSlices } from "./time-slices.js";

export { isFormula, segments } from "./formulas.js";

const KATEX_OPTIONS = { throwOnError: true, trust: refuse, strict: "ignore", maxExpand: 1000, maxSize: 10 };
// What a formula may not do: a few letters that define commands can ask for more work than a page can do.
const DEFINING = new Set([
    "\\def", "\\gdef", "\\edef", "\\xdef", "\\let", "\\futurelet", "\\global", "\\long", "\\newcommand", "\\renewcommand",
    "\\providecommand", "\\newenvironment", "\\renewenvironment", "\\DeclareMathOperator", "\\expandafter", "\\noexpand",
    "\\csname", "\\endcsname", "\\char", "\\catcode", "\\TextOrMath",
]);
const DEEPEST = 40;
// A longer formula is a box of its own, for the browser lays out a paragraph anew with each formula that is put into it. It
// has no MathML beside what is seen, which takes as long again to lay out: whoever hears it hears its source.
const LONG = 300;
// Commands of LaTeX that KaTeX lacks.
const MACROS = {
    "\\mbox": "\\text{#1}", "\\textsc": "\\text{#1}", "\\cancelto": "\\overset{#1}{\\cancel{#2}}", "\\ensuremath": "{#1}",
    "\\nicefrac": "{#1}/{#2}", "\\sfrac": "{#1}/{#2}", "\\mathds": "\\mathbb{#1}", "\\mathbbm": "\\mathbb{#1}",
    "\\overarc": "\\overgroup{#1}", "\\wideparen": "\\overgroup{#1}", "\\label": "",
};
const TABULAR = /\\begin\{tabular\}(?:\[[^\]]*\])?\s*\{((?:[^{}]|\{[^{}]*\})*)\}([^]*?)\\end\{tabular\}/g;

/** One queue for all texts of the page: what is in it is filled when the page has nothing else to do. */
const slices = createSlices({ settle: layOut });

/** Ask for a height, for which the browser lays out what has changed: else it lays out many slices at once. */
function layOut() {
    void document.body?.offsetHeight;
}

/** Resolves when every formula that was asked for is typeset. */
export const typesetDone = slices.done;

/** Links, images and attributes from texts: with `false` KaTeX would swallow what they hold; so they stay source. */
function refuse({ command }) {
    throw new Error(`${command} is not trusted`);
}

/** Replace what is in `element` by `text`, typeset. The text runs as its own language does. */
export function typeset(element, text, katex = globalThis.katex) {
    element.dir ||= "auto";
    const { parts, isCutShort } = cutText(text);
    element.replaceChildren(...nodes(parts, element.ownerDocument, katex), ...(isCutShort ? [cutNote(element.ownerDocument)] : []));
}

/** A reference answer: often a bare formula (`\frac{3}{4}`) without delimiters, often a word. */
export function typesetAnswer(element, text, katex = globalThis.katex) {
    const hasDelimiters = /(?<!\\)\$|\\\(|\\\[/.test(text);
    const isBareFormula = /[\\^_]/.test(text) || isSymbolic(text.trim());
    if (hasDelimiters || !isBareFormula) return typeset(element, text, katex);
    element.dir ||= "auto";
    const whole = { kind: "math", source: text, tex: text, display: false };
    return element.replaceChildren(...nodes([whole], element.ownerDocument, katex));
}

/** Typeset the formulas in HTML that the server has cleaned (guidelines), code left as it is. */
export function typesetWithin(root, katex = globalThis.katex) {
    const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const node of texts) {
        if (!/[$\\]/.test(node.data) || node.parentElement.closest("code, pre, .katex")) continue;
        const { parts, isCutShort } = cutText(node.data);
        node.replaceWith(...nodes(parts, root.ownerDocument, katex), ...(isCutShort ? [cutNote(root.ownerDocument)] : []));
    }
}

/**
 * A formula wider than its line scrolls inside it, also by keyboard; everything else wraps as text does.
 * What is shown inside of a link is an excerpt, which is cut instead.
 */
export function fitFormulas(element) {
    if (element.querySelector(".math.pending")) typesetDone().then(() => fitFormulas(element));
    // All are measured before one is changed: to take turns would lay the page out anew for each.
    const wide = [...element.querySelectorAll(".math")].filter((one) => isTooWide(one) && !one.closest("a"));
    for (const formula of wide) {
        formula.classList.add("scrolls");
        formula.tabIndex = 0;
        if (formula.hasAttribute("aria-label")) continue;
        formula.setAttribute("role", "group");
        formula.setAttribute("aria-label", "Formula, scrolls sideways");
    }
}

function isTooWide(formula) {
    if (formula.classList.contains("display")) return formula.scrollWidth > formula.clientWidth + 1;
    const widest = Math.max(0, ...Array.from(formula.getClientRects(), (box) => box.width));
    return widest > formula.parentElement.clientWidth + 1;
}

/** Begin to load the fonts of tall brackets and roots, before there is a formula that needs them. */
export function warmFonts(document = window.document) {
    for (const size of [1, 2, 3]) document.fonts.load(`1em KaTeX_Size${size}`).catch(() => {});
}

function nodes(parts, document, katex) {
    return parts.map((part, index) => {
        if (part.kind === "text") return document.createTextNode(beside(parts, index));
        return part.kind === "math" ? formula(part, document, katex) : source(part, document);
    });
}

/** A block stands on its own line: the line breaks that touch it would make a second, empty one. */
function beside(parts, index) {
    const isBlock = (part) => part?.kind === "source" || part?.display;
    let text = parts[index].source;
    if (isBlock(parts[index - 1])) text = text.replace(/^[ \t]*\n+/, "");
    if (isBlock(parts[index + 1])) text = text.replace(/\n+[ \t]*$/, "");
    return text;
}

/** A formula's place. It is filled at once while there is time, else it holds its source until its turn comes. */
function formula(part, document, katex) {
    const why = whyNotTypeset(part, katex);
    if (why !== null) return source(part, document, why);
    const holder = document.createElement("span");
    holder.className = part.display ? "math display" : isLong(part) ? "math long" : "math";
    holder.dir = "ltr"; // Formulas run from left to right in every language, and tell nothing of the text's own direction.
    slices.run(() => fill(holder, part, katex), () => {
        holder.classList.add("pending");
        holder.textContent = part.source;
    }, part.tex.length);
    return holder.shown ?? holder;
}

function isLong(part) {
    return part.tex.length > LONG;
}

/** Why the formula stays as it was written; null where it is typeset, an empty word where there is nothing to tell. */
function whyNotTypeset(part, katex) {
    if (!katex) return "";
    if (part.tex.length > LONGEST_FORMULA) return `Shown as it was written: it is longer than ${LONGEST_FORMULA} characters.`;
    if (nestsTooDeep(part.tex)) return "Shown as it was written: it is nested too deep.";
    const command = definingCommand(part.tex);
    return command === null ? null : `Shown as it was written: ${command} defines or changes commands, which formulas here may not.`;
}

/** The first command that could make others, in the words of KaTeX's own lexer: `\\\\def` is a line break and letters. */
function definingCommand(tex) {
    for (const [command] of tex.matchAll(/\\(?:[a-zA-Z@]+|[^])/g)) {
        if (DEFINING.has(command) || command.includes("@")) return command;
    }
    return null;
}

function nestsTooDeep(tex) {
    let depth = 0;
    for (const [sign] of tex.matchAll(/\\[^]|[{}]/g)) {
        depth += sign === "{" ? 1 : sign === "}" ? -1 : 0;
        if (depth > DEEPEST) return true;
    }
    return false;
}

function fill(holder, part, katex) {
    try {
        const output = isLong(part) ? "html" : "htmlAndMathml";
        const options = { ...KATEX_OPTIONS, output, macros: { ...MACROS }, displayMode: Boolean(part.display) };
        const tree = katex.__renderToDomTree(readable(part.tex), options);
        dropStyleAttributes(tree);
        holder.replaceChildren(tree.toNode());
        holder.classList.remove("pending");
        if (isLong(part)) {
            holder.setAttribute("role", "math");
            holder.setAttribute("aria-label", part.tex);
        }
    } catch {
        // KaTeX does not know the command, or the braces do not match: the source says it all.
        const shown = part.bare ? holder.ownerDocument.createTextNode(part.source) : source(part, holder.ownerDocument);
        if (holder.parentNode) holder.replaceWith(shown);
        else holder.shown = shown;
    }
}

/**
 * KaTeX styles its HTML through the DOM, which the page's policy allows, but gives tall braces and some MathML a
 * `style` attribute, which it forbids. Those only repeat a width or colour what nobody sees: they go before they
 * become DOM. That is why this takes KaTeX's tree instead of `katex.render`, which does the same in one go.
 */
function dropStyleAttributes(node) {
    if (node.attributes?.style) delete node.attributes.style;
    node.children?.forEach(dropStyleAttributes);
}

/** What KaTeX does not know, in words that it does. */
function readable(tex) {
    return withoutColumnGaps(tabularAsArray(tex));
}

/** KaTeX does not know `@{...}` between the columns of an array; without it the columns stand a little wider. */
function withoutColumnGaps(tex) {
    return tex.replace(/(\\begin\{array\}\s*\{)((?:[^{}]|\{[^{}]*\})*)(?=\})/g, (_, opening, columns) =>
        opening + columns.replace(/[@!]\{[^{}]*\}/g, ""));
}

/** A table is an array of texts. Its cells may hold formulas between dollars, which `\text` takes. */
function tabularAsArray(tex) {
    return tex.replace(TABULAR, (_, columns, body) => {
        const rows = body.split(/(\\\\(?:\[[^\]]*\])?)/).map((row, place) => (place % 2 ? row : asTexts(row)));
        return `\\begin{array}{${columns}}${rows.join("")}\\end{array}`;
    });
}

function asTexts(row) {
    const [, lines, cells] = /^((?:\s|\\hline)*)([^]*)$/.exec(row);
    if (!cells.trim()) return lines;
    return lines + cells.split(/(?<!\\)&/).map((cell) => (cell.trim() ? `\\text{${cell.trim()}}` : "")).join("&");
}

function cutNote(document) {
    const note = document.createElement("span");
    note.className = "tex-note";
    note.textContent = "From here on it is shown as it was written.";
    return note;
}

function source(part, document, why = "") {
    if (part.bare) return document.createTextNode(part.source);
    const code = document.createElement("code");
    code.dir = "ltr";
    if (why) code.title = why;
    code.className = part.kind === "source" || part.source.includes("\n") ? "tex-source block" : "tex-source";
    code.textContent = part.source.trim();
    return code;
}
