/**
 * Texts with mathematics in them, drawn by KaTeX. Texts are hostile input: everything enters the page as
 * text nodes or through KaTeX's own DOM, never as HTML.
 *
 * `segments` is pure. `typeset` needs a document and KaTeX (the global that its script defines).
 *
 * @typedef {{kind: "text"|"math"|"source", source: string, tex?: string, display?: boolean}} Segment
 */

// Longer formulas are shown as source: nobody reads them, and KaTeX's time grows with them.
const LONGEST_FORMULA = 20_000;
const KATEX_OPTIONS = { throwOnError: true, trust: refuse, strict: "ignore", maxExpand: 1000, maxSize: 10 };

const ENVIRONMENTS = "align|alignat|aligned|array|Bmatrix|bmatrix|cases|CD|equation|gather|gathered|matrix|multline|" +
    "pmatrix|smallmatrix|split|tabular|Vmatrix|vmatrix|eqnarray";
const OPENING = new RegExp(
    String.raw`\\\$|\\%|\\\(|\\\[|\$\$|\$|\[asy\]|\\begin\{asy\}|\\begin\{((?:${ENVIRONMENTS})\*?)\}`, "g",
);

/** Links, images and attributes from texts: with `false` KaTeX would swallow what they hold; so they stay source. */
function refuse({ command }) {
    throw new Error(`${command} is not trusted`);
}

/** Cut a text into plain text, formulas and blocks that are shown as source. */
export function segments(text) {
    const found = [];
    let plain = "";
    let at = 0;
    const opening = new RegExp(OPENING);
    for (let match = opening.exec(text); match; match = opening.exec(text)) {
        if (match.index < at) continue;
        plain += text.slice(at, match.index);
        const segment = read(text, match);
        at = match.index + segment.source.length;
        opening.lastIndex = at;
        if (segment.kind === "text") {
            plain += segment.shown;
        } else {
            if (plain) found.push({ kind: "text", source: plain });
            plain = "";
            found.push(segment);
        }
    }
    plain += text.slice(at);
    if (plain) found.push({ kind: "text", source: plain });
    return found;
}

/** What begins at this match; a delimiter that opens nothing is text. */
function read(text, match) {
    const mark = match[0];
    const start = match.index;
    if (mark === "\\$" || mark === "\\%") return { kind: "text", source: mark, shown: mark[1] };
    const segment =
        match[1] !== undefined ? environment(text, start, match[1])
        : mark === "[asy]" ? enclosed(text, start, mark, "[/asy]", "source")
        : mark === "\\begin{asy}" ? enclosed(text, start, mark, "\\end{asy}", "source")
        : mark === "\\(" ? enclosed(text, start, mark, "\\)", "math", false)
        : mark === "\\[" ? enclosed(text, start, mark, "\\]", "math", true)
        : mark === "$$" ? doubleDollars(text, start)
        : dollars(text, start);
    return segment ?? { kind: "text", source: mark, shown: mark };
}

function enclosed(text, start, open, close, kind, display = true) {
    const end = text.indexOf(close, start + open.length);
    if (end < 0) return null;
    const tex = text.slice(start + open.length, end);
    if (kind === "math" && !tex.trim()) return null;
    return { kind, source: text.slice(start, end + close.length), tex, display };
}

/** A blank line ends what `$$` opened, as in LaTeX: "cheap ($), dear ($$$)" is prose. */
function doubleDollars(text, start) {
    const found = text[start + 2] === "$" ? null : enclosed(text, start, "$$", "$$", "math", true);
    const isBroken = found === null || /\n[ \t]*\n/.test(found.tex.trim()) || /^\s*[),;]/.test(found.tex);
    return isBroken ? null : found;
}

/** `\begin{align*}...\end{align*}` without delimiters, its own kind nested or not. */
function environment(text, start, name) {
    const [open, close] = [`\\begin{${name}}`, `\\end{${name}}`];
    let depth = 0;
    for (let at = start; at < text.length; ) {
        const next = [text.indexOf(open, at), text.indexOf(close, at)];
        if (next[1] < 0) return null;
        const opens = next[0] >= 0 && next[0] < next[1];
        depth += opens ? 1 : -1;
        at = opens ? next[0] + open.length : next[1] + close.length;
        if (depth === 0) {
            const source = text.slice(start, at);
            return { kind: "math", source, tex: source, display: true };
        }
    }
    return null;
}

function dollars(text, start) {
    for (const end of closings(text, start)) {
        const tex = text.slice(start + 1, end);
        if (isFormula(tex, text[start - 1] ?? "", text[end + 1] ?? "")) {
            return { kind: "math", source: text.slice(start, end + 1), tex, display: false };
        }
    }
    return null;
}

/** Where the formula opened at `start` may close: past braces (`\text{if $x$}`), then at the next dollar. */
function closings(text, start) {
    const ends = [];
    let depth = 0;
    for (let at = start + 1; at < text.length && at - start <= LONGEST_FORMULA; at += 1) {
        const sign = text[at];
        if (sign === "\\") at += 1;
        else if (sign === "{") depth += 1;
        else if (sign === "}") depth -= 1;
        else if (sign === "\n" && /^\n[ \t]*\n/.test(text.slice(at, at + 40))) break;
        else if (sign === "$") {
            if (depth === 0) return [at, ...ends];
            if (ends.length === 0) ends.push(at);
        }
    }
    return ends;
}

/**
 * Whether what stands between two dollar signs is mathematics, or prose between two amounts of money.
 * The dollars follow pandoc's rule (no space inside, no digit after), which LaTeX commands may overrule.
 */
export function isFormula(tex, before = "", after = "") {
    const bare = tex.trim();
    if (!bare || tex.includes("<<") || tex.includes(">>") || isProse(tex)) return false;
    if (/\\[a-zA-Z,;!{}|\\$%]|[\^_]/.test(tex)) return true;
    if (/\d/.test(after)) return false;
    if (/\w/.test(before) && !/[a-zA-Z]/.test(tex)) return false; // `5$+6$`: the sign follows its amount.
    if (/^(?:[,;:!?)]|\.(?!\d))/.test(bare)) return false;
    if (/^[\d.,\s]/.test(tex) && /[a-z]{3}/.test(tex)) return false; // `$5/hour and a tip of$`
    if (/^\d/.test(bare) && /(?:[-+*/=×(]|\sx)$/.test(bare)) return false; // `$3=$15`: a sum of amounts, cut in two.
    return bare === tex || isSymbolic(bare);
}

/** Signs between letters and numbers, and no word: what may stand with spaces inside its dollars. */
function isSymbolic(bare) {
    return !/[a-zA-Z]{3}/.test(bare) && (/^[a-zA-Z]\w?$/.test(bare) || /[\w)]\s*[-+*/=<>≤≥]\s*[\w(-]/.test(bare));
}

/** Two words in small letters side by side, outside of commands and their text arguments. */
function isProse(tex) {
    const bare = tex
        .replace(/\\(?:text\w*|mbox|hbox|mathrm|operatorname\*?)\s*\{(?:[^{}]|\{[^{}]*\})*\}/g, "0")
        .replace(/\\[a-zA-Z]+/g, "0");
    return /(?:^|[^a-zA-Z])[A-Za-z]?[a-z]{2,}[,.]?\s+(?:[a-zA-Z]+\s+)*?[a-zA-Z]?[a-z]{2,}(?![a-zA-Z])/.test(bare);
}

/** Replace what is in `element` by `text`, typeset. */
export function typeset(element, text, katex = globalThis.katex) {
    element.replaceChildren(...nodes(segments(text), element.ownerDocument, katex));
}

/** A reference answer: often a bare formula (`\frac{3}{4}`) without delimiters, often a word. */
export function typesetAnswer(element, text, katex = globalThis.katex) {
    const hasDelimiters = /(?<!\\)\$|\\\(|\\\[/.test(text);
    const isBareFormula = /[\\^_]/.test(text) || isSymbolic(text.trim());
    if (hasDelimiters || !isBareFormula) return typeset(element, text, katex);
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
        node.replaceWith(...nodes(segments(node.data), root.ownerDocument, katex));
    }
}

/**
 * A formula wider than its line scrolls inside it, also by keyboard; everything else wraps as text does.
 * What is shown inside of a link is an excerpt, which is cut instead.
 */
export function fitFormulas(element) {
    // All are measured before one is changed: to take turns would lay the page out anew for each.
    const wide = [...element.querySelectorAll(".math")].filter((one) => isTooWide(one) && !one.closest("a"));
    for (const formula of wide) {
        formula.classList.add("scrolls");
        formula.tabIndex = 0;
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

function formula(part, document, katex) {
    if (!katex || part.tex.length > LONGEST_FORMULA) return source(part, document);
    const holder = document.createElement("span");
    holder.className = part.display ? "math display" : "math";
    try {
        const options = { ...KATEX_OPTIONS, displayMode: Boolean(part.display) };
        const tree = katex.__renderToDomTree(withoutColumnGaps(part.tex), options);
        dropStyleAttributes(tree);
        holder.append(tree.toNode());
    } catch {
        // KaTeX does not know the command, or the braces do not match, or it nests too deep: the source says it all.
        return source(part, document);
    }
    return holder;
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

/** KaTeX does not know `@{...}` between the columns of an array; without it the columns stand a little wider. */
function withoutColumnGaps(tex) {
    return tex.replace(/(\\begin\{array\}\s*\{)((?:[^{}]|\{[^{}]*\})*)(?=\})/g, (_, opening, columns) =>
        opening + columns.replace(/[@!]\{[^{}]*\}/g, ""));
}

function source(part, document) {
    const code = document.createElement("code");
    code.className = part.kind === "source" || part.source.includes("\n") ? "tex-source block" : "tex-source";
    code.textContent = part.source.trim();
    return code;
}
