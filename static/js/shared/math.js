/**
 * Shows texts with mathematics, typeset by KaTeX. Texts are hostile input: everything enters the page as text nodes or as
 * KaTeX's own DOM, never as HTML; and no text blocks the page: formulas are bounded, cannot define commands, and are typeset
 * in slices between which the page reacts.
 *
 * Why not KaTeX's auto-render extension, which comes in the same package: it takes any text between two `$` for a formula,
 * amounts of money included; it finds no commands without delimiters (`\boxed{4}`); it typesets a whole page at once; and it calls
 * `katex.render`, which sets `style` attributes that the page's content security policy forbids.
 */
import { cutText, isSymbolic, MAX_FORMULA_LENGTH } from "./formulas.js";
import { createTimeSlices } from "./time-slices.js";

export { isFormula, segments } from "./formulas.js";

const KATEX_OPTIONS = { throwOnError: true, trust: refuse, strict: "ignore", maxExpand: 1000, maxSize: 10 };
// Formulas may not define commands: a few characters of definitions can expand to more work than a page can do.
const DEFINING = new Set([
    "\\def", "\\gdef", "\\edef", "\\xdef", "\\let", "\\futurelet", "\\global", "\\long", "\\newcommand", "\\renewcommand",
    "\\providecommand", "\\newenvironment", "\\renewenvironment", "\\DeclareMathOperator", "\\expandafter", "\\noexpand",
    "\\csname", "\\endcsname", "\\char", "\\catcode", "\\TextOrMath",
]);
const MAX_DEPTH = 40;
// A longer formula is a box of its own, because the browser lays out a paragraph again with each formula that is put into it.
// It has no MathML, which takes as long again to lay out; screen readers read its source.
const LONG_FORMULA_LENGTH = 300;
// Commands of LaTeX that KaTeX lacks.
const MACROS = {
    "\\mbox": "\\text{#1}", "\\textsc": "\\text{#1}", "\\cancelto": "\\overset{#1}{\\cancel{#2}}", "\\ensuremath": "{#1}",
    "\\nicefrac": "{#1}/{#2}", "\\sfrac": "{#1}/{#2}", "\\mathds": "\\mathbb{#1}", "\\mathbbm": "\\mathbb{#1}",
    "\\overarc": "\\overgroup{#1}", "\\wideparen": "\\overgroup{#1}", "\\label": "",
};
const TABULAR = /\\begin\{tabular\}(?:\[[^\]]*\])?\s*\{((?:[^{}]|\{[^{}]*\})*)\}([^]*?)\\end\{tabular\}/g;

/** One queue for all texts of the page. */
const slices = createTimeSlices({ afterSlice: layOut });

/** Reading a height makes the browser lay out what has changed; otherwise it would lay out many slices at once. */
function layOut() {
    void document.body?.offsetHeight;
}

/** Resolves when all formulas are typeset. */
export const typesetDone = slices.done;

/** Links, images and attributes in texts stay source: with `trust: false` KaTeX would drop their content. */
function refuse({ command }) {
    throw new Error(`${command} is not trusted`);
}

/** Replace the content of `element` by `text`, typeset. The text has the writing direction of its own language. */
export function typeset(element, text, katex = globalThis.katex) {
    element.dir ||= "auto";
    const { parts, isCutShort } = cutText(text);
    element.replaceChildren(...nodes(parts, element.ownerDocument, katex), ...(isCutShort ? [cutNote(element.ownerDocument)] : []));
}

/** Resolves when all formulas of `root` that are within the window's height are typeset. */
export async function typesetInView(root) {
    for (;;) {
        const pending = root.querySelector(".math.pending");
        if (!pending || pending.getBoundingClientRect().top > innerHeight) return;
        await slices.next();
    }
}

/** A reference answer: often a bare formula (`\frac{3}{4}`) without delimiters, often a word. */
export function typesetAnswer(element, text, katex = globalThis.katex) {
    const hasDelimiters = /(?<!\\)\$|\\\(|\\\[/.test(text);
    const isBareFormula = /[\\^_]/.test(text) || isSymbolic(text.trim());
    const whole = { kind: "math", source: text, tex: text, display: false };
    const parts = hasDelimiters || !isBareFormula ? cutText(text).parts : [whole];
    element.dir ||= "auto";
    element.replaceChildren(...nodes(parts.map(inDisplayStyle), element.ownerDocument, katex));
}

/** Fractions of an answer are as high as in a formula on a line of its own, so that they can be read. */
function inDisplayStyle(part) {
    return part.kind !== "math" || part.display ? part : { ...part, tex: `\\displaystyle ${part.tex}` };
}

/** Typeset the formulas in HTML that the server has sanitized (guidelines), except in code. */
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
 * A formula wider than its line scrolls inside it, also by keyboard; everything else wraps as text does. A text inside a link
 * is an excerpt, which is cut instead.
 */
export function fitFormulas(element) {
    if (element.querySelector(".math.pending")) typesetDone().then(() => fitFormulas(element));
    // All are measured before any is changed: alternating would lay the page out again for each.
    const wide = [...element.querySelectorAll(".math")].filter((formula) => isTooWide(formula) && !formula.closest("a"));
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

/** Start loading the fonts of tall brackets and roots before a formula needs them. */
export function warmFonts(document = window.document) {
    for (const size of [1, 2, 3]) document.fonts.load(`1em KaTeX_Size${size}`).catch(() => {});
}

/** The nodes of a text's parts (`cutText`). */
export function nodes(parts, document, katex) {
    return parts.map((part, index) => {
        if (part.kind === "text") return document.createTextNode(textBeside(parts, index));
        if (part.kind === "code") return document.createTextNode(part.source);
        return part.kind === "math" ? formula(part, document, katex) : source(part, document);
    });
}

/** A block has its own line: the line breaks next to it would add an empty one. */
function textBeside(parts, index) {
    const isBlock = (part) => part?.kind === "source" || part?.display;
    let text = parts[index].source;
    if (isBlock(parts[index - 1])) text = text.replace(/^[ \t]*\n+/, "");
    if (isBlock(parts[index + 1])) text = text.replace(/\n+[ \t]*$/, "");
    return text;
}

/** The element of a formula. It is typeset at once while there is time; else it shows its source until then. */
function formula(part, document, katex) {
    const refusal = refusalOf(part, katex);
    if (refusal !== null) return source(part, document, refusal);
    const holder = document.createElement("span");
    holder.className = part.display ? "math display" : isLong(part) ? "math long" : "math";
    holder.dir = "ltr"; // Formulas run from left to right in every language.
    slices.run(() => fill(holder, part, katex), () => {
        holder.classList.add("pending");
        holder.textContent = part.source;
    }, part.tex.length);
    return holder.shown ?? holder;
}

function isLong(part) {
    return part.tex.length > LONG_FORMULA_LENGTH;
}

/** Why the formula is shown as it was written; null where it is typeset, empty where there is no reason to show. */
function refusalOf(part, katex) {
    if (!katex) return "";
    if (part.tex.length > MAX_FORMULA_LENGTH) return `Shown as written: formulas may have at most ${MAX_FORMULA_LENGTH} characters.`;
    if (nestsTooDeep(part.tex)) return `Shown as written: formulas may be nested at most ${MAX_DEPTH} levels deep.`;
    const command = definingCommand(part.tex);
    return command === null ? null : `Shown as written: ${command} defines or changes commands, which formulas may not do here.`;
}

/** The first command that could define others. As in KaTeX's lexer, `\\\\def` is a line break and letters. */
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
        if (depth > MAX_DEPTH) return true;
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
        // KaTeX does not know the command, or the braces do not match: show the source.
        const shown = part.bare ? holder.ownerDocument.createTextNode(part.source) : source(part, holder.ownerDocument);
        if (holder.parentNode) holder.replaceWith(shown);
        else holder.shown = shown;
    }
}

/**
 * KaTeX styles its HTML through the DOM, which the content security policy allows, but sets a `style` attribute on tall braces
 * and some MathML, which the policy forbids. These attributes only repeat a width or colour invisible elements, and are removed
 * before the tree becomes DOM. That is why this takes KaTeX's tree instead of calling `katex.render`.
 */
function dropStyleAttributes(node) {
    if (node.attributes?.style) delete node.attributes.style;
    node.children?.forEach(dropStyleAttributes);
}

/** Rewrite what KaTeX does not know into commands that it does. */
function readable(tex) {
    return withoutColumnGaps(tabularAsArray(tex));
}

/** KaTeX does not know `@{...}` between the columns of an array; without it the columns are a little further apart. */
function withoutColumnGaps(tex) {
    return tex.replace(/(\\begin\{array\}\s*\{)((?:[^{}]|\{[^{}]*\})*)(?=\})/g, (_, opening, columns) =>
        opening + columns.replace(/[@!]\{[^{}]*\}/g, ""));
}

/** A table is an array of texts. Its cells may contain formulas between dollar signs, which `\text` accepts. */
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

export function cutNote(document) {
    const note = document.createElement("span");
    note.className = "tex-note";
    note.textContent = "The rest is shown as written.";
    return note;
}

function source(part, document, refusal = "") {
    if (part.bare) return document.createTextNode(part.source);
    const code = document.createElement("code");
    code.dir = "ltr";
    if (refusal) code.title = refusal;
    code.className = part.kind === "source" || part.source.includes("\n") ? "tex-source block" : "tex-source";
    code.textContent = part.source.trim();
    return code;
}
