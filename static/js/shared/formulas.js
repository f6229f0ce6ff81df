/**
 * Finds the formulas in a text. Pure: no document, no KaTeX.
 *
 * Formulas are enclosed in delimiters, or are an environment or a command without any (`\boxed{...}`, `\frac{1}{2}`). Code
 * between backticks has none: its dollar signs are dollar signs.
 *
 * @typedef {{kind: "text"|"math"|"source"|"code", source: string, tex?: string, display?: boolean, bare?: boolean,
 *   content?: string, info?: string}} Segment
 *   `bare`: found without delimiters; where it cannot be typeset it stays text. `info`, the words behind the opening fence, is
 *   there for code of several lines only. The source of code has its marks
 */

// A longer formula is shown as source: typesetting cannot be split within one formula, and must not block the page. The
// longest formula of MATH has 618 characters.
export const MAX_FORMULA_LENGTH = 650;
const MAX_SOURCE_LENGTH = 20_000;
// The rest of a longer text, and of one with more formulas, is shown as it was written.
export const MAX_TEXT_LENGTH = 50_000;
export const MAX_FORMULAS = 250;
// The length of all formulas of one text: each new formula makes the browser lay out those before it again.
export const MAX_TEX_LENGTH = 3_000;
// Delimiters that open no formula cost time as well: an amount of money, a bracket that never closes.
const MAX_FAILED = 400;

const ENVIRONMENTS = "align|alignat|aligned|array|Bmatrix|bmatrix|cases|CD|equation|gather|gathered|matrix|multline|" +
    "pmatrix|smallmatrix|split|tabular|Vmatrix|vmatrix|eqnarray";
// Commands that are mathematics even without dollar signs, with the number of their arguments.
const BARE = {
    boxed: 1, fbox: 1, frac: 2, dfrac: 2, tfrac: 2, cfrac: 2, binom: 2, dbinom: 2, tbinom: 2, sqrt: 1, overline: 1, underline: 1,
    cancel: 1, bcancel: 1, cancelto: 2, vec: 1, hat: 1, bar: 1, overrightarrow: 1, mathbb: 1, mathbf: 1, mathrm: 1, mathcal: 1,
    text: 1, textbf: 1, textit: 1, mbox: 1, emph: 1, operatorname: 1,
    times: 0, cdot: 0, div: 0, pm: 0, mp: 0, le: 0, leq: 0, ge: 0, geq: 0, ne: 0, neq: 0, approx: 0, equiv: 0, infty: 0, pi: 0,
    theta: 0, alpha: 0, beta: 0, gamma: 0, delta: 0, lambda: 0, mu: 0, sigma: 0, phi: 0, omega: 0, Delta: 0, Omega: 0, degree: 0,
    circ: 0, angle: 0, triangle: 0, parallel: 0, perp: 0, cong: 0, sim: 0, in: 0, notin: 0, subset: 0, subseteq: 0, cup: 0, cap: 0,
    emptyset: 0, forall: 0, exists: 0, therefore: 0, because: 0, implies: 0, iff: 0, to: 0, rightarrow: 0, Rightarrow: 0,
    Longrightarrow: 0, leftrightarrow: 0, Leftrightarrow: 0, ldots: 0, cdots: 0, dots: 0, quad: 0, qquad: 0, blacksquare: 0,
};
const BARE_NAMES = Object.keys(BARE).sort((left, right) => right.length - left.length).join("|");
const OPENING = new RegExp(
    String.raw`\\\$|\\%|\\\(|\\\[|\$\$|\$|` + "`{3,}|~{3,}|``|`" + String.raw`|\[asy\]|\\begin\{asy\}|\\begin\{((?:${ENVIRONMENTS})\*?)\}` +
    String.raw`|\\(${BARE_NAMES})(?![a-zA-Z@])`, "g",
);

/** The parts of a text: plain text, formulas and blocks that are shown as source. */
export function segments(whole) {
    return cutText(whole).parts;
}

/** The parts of a text, and whether its end was left as it is because of its length or the number of its formulas. */
export function cutText(whole) {
    const parts = [];
    const text = whole.slice(0, MAX_TEXT_LENGTH);
    let plain = "";
    let at = 0;
    let formulas = 0;
    let tex = 0;
    let failed = 0;
    const opening = new RegExp(OPENING);
    let match = opening.exec(text);
    const isWithin = () => formulas < MAX_FORMULAS && tex < MAX_TEX_LENGTH && failed < MAX_FAILED;
    for (; match && isWithin(); match = opening.exec(text)) {
        plain += text.slice(at, match.index);
        const segment = read(text, match);
        at = match.index + segment.source.length;
        opening.lastIndex = at;
        if (segment.kind === "text") {
            plain += segment.shown;
            failed += segment.source === match[0] ? 1 : 0;
        } else {
            formulas += segment.kind === "code" ? 0 : 1;
            if (segment.kind === "math" && segment.tex.length <= MAX_FORMULA_LENGTH) tex += segment.tex.length;
            if (plain) parts.push({ kind: "text", source: plain });
            plain = "";
            parts.push(segment);
        }
    }
    plain += whole.slice(at);
    if (plain) parts.push({ kind: "text", source: plain });
    return { parts, isCutShort: match !== null || whole.length > MAX_TEXT_LENGTH };
}

/** The segment that begins at this match; a delimiter that opens no formula is text. */
function read(text, match) {
    const mark = match[0];
    const start = match.index;
    if (mark === "\\$" || mark === "\\%") return { kind: "text", source: mark, shown: mark[1] };
    const segment =
        match[1] !== undefined ? environment(text, start, match[1])
        : match[2] !== undefined ? (text[start - 1] === "\\" ? null : bare(text, start, match[2])) // A line break and a word.
        : mark.length > 2 && /[`~]/.test(mark[0]) ? fence(text, start, mark) ?? (mark === "```" ? code(text, start, mark) : null)
        : mark[0] === "`" ? code(text, start, mark)
        : mark === "[asy]" ? enclosed(text, start, mark, "[/asy]", "source")
        : mark === "\\begin{asy}" ? enclosed(text, start, mark, "\\end{asy}", "source")
        : mark === "\\(" ? enclosed(text, start, mark, "\\)", "math", false)
        : mark === "\\[" ? enclosed(text, start, mark, "\\]", "math", true)
        : mark === "$$" ? doubleDollars(text, start)
        : dollars(text, start);
    return segment ?? { kind: "text", source: mark, shown: mark };
}

/** The stretch of text in which the end of a formula is searched, so that a missing end is found out quickly. */
function reach(text, start, maxLength = MAX_SOURCE_LENGTH) {
    return text.slice(start, start + maxLength);
}

function enclosed(text, start, open, close, kind, display = true) {
    const near = reach(text, start);
    const closesAt = near.indexOf(close, open.length);
    if (closesAt < 0) return null;
    const end = start + closesAt;
    const tex = text.slice(start + open.length, end);
    if (kind === "math" && !tex.trim()) return null;
    return { kind, source: text.slice(start, end + close.length), tex, display };
}

/** As in LaTeX, `$$` does not extend over a blank line: "cheap ($), expensive ($$$)" is prose. */
function doubleDollars(text, start) {
    const segment = text[start + 2] === "$" ? null : enclosed(text, start, "$$", "$$", "math", true);
    const isBroken = segment === null || /\n[ \t]*\n/.test(segment.tex.trim()) || /^\s*[),;]/.test(segment.tex);
    return isBroken ? null : segment;
}

/** `\begin{align*}...\end{align*}` without delimiters; it may contain environments of its own kind. */
function environment(text, start, name) {
    const [open, close] = [`\\begin{${name}}`, `\\end{${name}}`];
    const near = reach(text, start);
    let depth = 0;
    for (let at = 0; at < near.length; ) {
        const next = [near.indexOf(open, at), near.indexOf(close, at)];
        if (next[1] < 0) return null;
        const opens = next[0] >= 0 && next[0] < next[1];
        depth += opens ? 1 : -1;
        at = opens ? next[0] + open.length : next[1] + close.length;
        if (depth === 0) {
            const source = near.slice(0, at);
            return { kind: "math", source, tex: source, display: true };
        }
    }
    return null;
}

/** `\boxed{...}` and the like without delimiters: the command with its arguments, superscripts and subscripts. */
function bare(text, start, name) {
    const near = reach(text, start, 4 * MAX_FORMULA_LENGTH);
    let at = name.length + 1;
    if (name === "sqrt") at = closing(near, at, "[", "]") ?? at;
    for (let left = BARE[name]; left > 0; left -= 1) {
        const end = closing(near, at, "{", "}");
        if (end === null) return null;
        at = end;
    }
    while (near[at] === "^" || near[at] === "_") {
        const end = closing(near, at + 1, "{", "}") ?? (/[a-zA-Z0-9]/.test(near[at + 1] ?? "") ? at + 2 : null);
        if (end === null) break;
        at = end;
    }
    const source = near.slice(0, at);
    return { kind: "math", source, tex: source, display: false, bare: true };
}

/** The index after the group that opens at `at`; null where none opens, or it never closes. */
function closing(near, at, open, close) {
    if (near[at] !== open) return null;
    for (let depth = 0, here = at; here < near.length; here += 1) {
        if (near[here] === "\\") here += 1;
        else if (near[here] === open) depth += 1;
        else if (near[here] === close && --depth === 0) return here + 1;
    }
    return null;
}

/**
 * Code between two lines of backticks or tildes. It ends with the text if it says its language, as in an answer that was cut off;
 * else a fence without its other one is text, as where a solution was split between them.
 */
function fence(text, start, mark) {
    const lineStart = text.lastIndexOf("\n", start - 1) + 1;
    const indent = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*$/.exec(text.slice(lineStart, start))?.[0].length;
    const lineEnd = text.indexOf("\n", start);
    const info = text.slice(start + mark.length, lineEnd).trim();
    if (indent === undefined || lineEnd < 0 || (mark[0] === "`" && info.includes("`"))) return null;
    const closing = new RegExp(`\n[ \t]*${mark[0]}{${mark.length},}[ \t]*(?=\n|$)`, "g");
    closing.lastIndex = lineEnd;
    const closed = closing.exec(text);
    if (!closed && !info) return null;
    const content = text.slice(lineEnd + 1, closed ? Math.max(closed.index, lineEnd + 1) : text.length);
    const end = closed ? closed.index + closed[0].length : text.length;
    const undented = content.replace(new RegExp(`^[ \t]{1,${indent || 1}}`, "gm"), (space) => (indent ? "" : space));
    return { kind: "code", source: text.slice(start, end), content: undented, info };
}

/**
 * Code between backticks keeps its dollar signs. Two backticks open a quotation in TeX; and a stretch that begins or
 * ends with a space is prose between two such quotations, not code.
 */
function code(text, start, mark) {
    if (mark === "``") return null;
    const end = text.indexOf(mark, start + mark.length);
    const inside = text.slice(start + mark.length, end);
    if (end < 0 || !inside.trim() || (mark === "`" && (inside.includes("\n") || inside !== inside.trim()))) return null;
    return { kind: "code", source: text.slice(start, end + mark.length) };
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

/** Where the formula opened at `start` may close: first after balanced braces (`\text{if $x$}`), then at the next dollar sign. */
function closings(text, start) {
    const ends = [];
    let depth = 0;
    for (let at = start + 1; at < text.length && at - start <= 6 * MAX_FORMULA_LENGTH; at += 1) {
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
 * Whether the text between two dollar signs is mathematics, or prose between two amounts of money. The rule is pandoc's
 * (no space inside, no digit after); LaTeX commands overrule it.
 */
export function isFormula(tex, before = "", after = "") {
    const bare = tex.trim();
    if (tex.length > MAX_FORMULA_LENGTH) return /\\[a-zA-Z]|[\^_]/.test(tex.slice(0, MAX_FORMULA_LENGTH)); // Shown as source, either way.
    if (!bare || tex.includes("<<") || tex.includes(">>") || isProse(tex)) return false;
    if (/\d/.test(after) && /^\d[\d.,]*\s+[a-z]{2}/.test(tex)) return false; // `$5 and \frac{1}{2} of $6`: between amounts.
    if (/\\[a-zA-Z,;!{}|\\$%]|[\^_]/.test(tex)) return true;
    if (/\d/.test(after)) return false;
    if (/\w/.test(before) && !/[a-zA-Z]/.test(tex)) return false; // `5$+6$`: the sign follows its amount.
    if (/^(?:[,;:!?)]|\.(?!\d))/.test(bare)) return false;
    if (/^[\d.,\s]/.test(tex) && /[a-z]{3}/.test(tex)) return false; // `$5/hour and a tip of$`
    if (/^\d/.test(bare) && /(?:[-+*/=×(]|\sx)$/.test(bare)) return false; // `$3=$15`: a sum of amounts.
    return bare === tex || isSymbolic(bare);
}

/** Operators between letters and numbers, and no word: a formula even with spaces inside its dollar signs. */
export function isSymbolic(bare) {
    return !/[a-zA-Z]{3}/.test(bare) && (/^[a-zA-Z]\w?$/.test(bare) || /[\w)]\s*[-+*/=<>≤≥]\s*[\w(-]/.test(bare));
}

/** Whether two lower-case words are side by side, outside of commands and their text arguments. */
function isProse(tex) {
    const bare = tex
        .replace(/\\(?:text\w*|mbox|hbox|mathrm|operatorname\*?)\s*\{(?:[^{}]|\{[^{}]*\})*\}/g, "0")
        .replace(/\\[a-zA-Z]+/g, "0");
    return /(?:^|[^a-zA-Z])[A-Za-z]?[a-z]{2,}[,.]?\s+(?:[a-zA-Z]+\s+)*?[a-zA-Z]?[a-z]{2,}(?![a-zA-Z])/.test(bare);
}
