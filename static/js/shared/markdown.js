/**
 * Markdown in problems and solutions, read so that no sign of mathematics is lost: `2*3*4` has no emphasis, the minus in front of
 * a line stays where a list shows it as its marker, and links, quotations, escapes, entities and HTML are shown as written. If
 * anything else of a text would be missing, the text is not rendered at all: see `essence`.
 *
 * markdown-it only parses. What it finds enters the page as elements made here and as text nodes, never as HTML.
 */
import { highlight } from "./code.js";
import { cutText } from "./formulas.js";
import { cutNote, nodes } from "./math.js";

const RULES = ["emphasis", "heading", "hr", "list", "newline", "table"];
// Next to one of these, a star or an underscore is an operator or a subscript.
const MATHEMATICAL_BEFORE = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N})\]}^=+/<>\\\p{Co}]/u;
const MATHEMATICAL_AFTER = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}([{^=+/<>\\\p{Co}]/u;
const WORD_WITHIN_STARS = /^[^*\n]*?\p{L}{2}/u;
const MARKUP = /[*_`#|~]|^[ \t]*(?:[-+]|\d{1,9}[.)])[ \t]|^[ \t]*-{3,}[ \t]*$/m;

/** Whether the text may have Markdown: most texts have none, and need no parser. */
export const hasMarkdown = (text) => MARKUP.test(text);

/** @type {Map<Function, object>} the parser of each markdown-it */
const parsers = new Map();

function parserOf(markdownit) {
    if (!parsers.has(markdownit)) {
        const parser = markdownit("zero").enable(RULES);
        parser.inline.State = carefulState(parser.inline.State);
        parser.block.ruler.before("table", "fence_taken_out", fenceRule, { alt: ["paragraph", "list"] });
        parsers.set(markdownit, parser);
    }
    return parsers.get(markdownit);
}

/** Code of several lines was taken out of the text (`takeOut`): a line with nothing but its number. */
function fenceRule(state, line, _, isSilent) {
    const text = state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]).trim();
    const { mark, held } = state.env;
    const part = text[0] === mark && text.at(-1) === mark ? held[text.slice(1, -1)] : undefined;
    if (part?.info === undefined) return false;
    if (isSilent) return true;
    const token = state.push("fence", "code", 0);
    token.content = text;
    state.line = line + 1;
    return true;
}

/** Emphasis begins and ends at the edge of words; single stars enclose a word, not one letter. */
function carefulState(State) {
    return class extends State {
        scanDelims(start, canSplitWord) {
            const scanned = super.scanDelims(start, canSplitWord);
            const end = start + scanned.length;
            const isOneStar = this.src[start] === "*" && scanned.length === 1;
            if (MATHEMATICAL_BEFORE.test(this.src[start - 1] ?? "")) scanned.can_open = false;
            if (MATHEMATICAL_AFTER.test(this.src[end] ?? "")) scanned.can_close = false;
            if (isOneStar && !WORD_WITHIN_STARS.test(this.src.slice(end, end + 1_000))) scanned.can_open = false;
            return scanned;
        }
    };
}

/**
 * The text's nodes; null where it has no Markdown, or where rendering would lose a part of it.
 * @param {{markdownit: Function, katex: object}} libraries
 */
export function markdownNodes(text, document, { markdownit, katex }) {
    if (!markdownit || !hasMarkdown(text)) return null;
    const { parts, isCutShort } = cutText(text.replace(/\r\n?/g, "\n").replaceAll("\0", "\uFFFD"));
    const taken = takeOut(parts);
    if (taken === null) return null;
    const builder = createBuilder(document, katex, taken);
    const tokens = parserOf(markdownit).parse(taken.source, taken);
    if (hasSurplusCells(tokens, taken.source)) return null;
    for (const token of tokens) builder.add(token);
    if (essence(builder.shown()) !== essence(taken.source)) return null;
    return [...builder.nodes(), ...(isCutShort ? [cutNote(document)] : [])];
}

/** Whether a row has more cells than its table has columns. The parser leaves them out, a lone minus among them. */
function hasSurplusCells(tokens, source) {
    const lines = source.split("\n");
    let columns = 0;
    for (const { type, map } of tokens) {
        if (type === "table_open") columns = 0;
        else if (type === "th_open") columns += 1;
        else if (type === "tr_open" && columns && countCells(lines[map[0]]) > columns) return true;
    }
    return false;
}

function countCells(line) {
    const cells = line.trim().replace(/\\\|/g, "").split("|");
    return cells.length - (cells[0] === "") - (cells.length > 1 && cells.at(-1) === "");
}

/**
 * What must not be lost between a text and what is shown of it: all but white space and the characters that Markdown uses up as
 * marks. Guards against whatever the parser leaves out, such as blocks that are nested too deep.
 */
function essence(text) {
    return text.replace(/\\\|/g, "|").replace(/[\s*_`#|~:-]+/g, "");
}

/** Formulas and code between backticks are out of Markdown's reach: a character that the text does not have, with a number. */
function takeOut(parts) {
    const mark = unusedCharacter(parts);
    if (mark === null) return null;
    const held = [];
    let source = "";
    for (const part of parts) {
        if (part.kind === "text") source += part.source;
        else source += `${mark}${held.push(part) - 1}${mark}`;
    }
    return { source, mark, held };
}

function unusedCharacter(parts) {
    for (let code = 0xE000; code < 0xE100; code += 1) {
        const character = String.fromCharCode(code);
        if (!parts.some(({ source }) => source.includes(character))) return character;
    }
    return null;
}

/** Turns the parser's tokens into nodes, and keeps a record of every character that they show. */
function createBuilder(document, katex, { mark, held }) {
    const root = document.createDocumentFragment();
    const open = [root];
    const shown = [];
    const taken = new RegExp(`${mark}(\\d+)${mark}`);

    function element(name, className = "") {
        const made = document.createElement(name);
        if (className) made.className = className;
        open.at(-1).append(made);
        return made;
    }

    const enter = (name, className) => open.push(element(name, className));
    const enterText = (name, className) => { enter(name, className); open.at(-1).dir = "auto"; };

    function write(text) {
        shown.push(text);
        const parts = text.split(taken).map((piece, place) => (place % 2 ? held[piece] : { kind: "text", source: piece }));
        for (const run of runsOf(parts)) {
            if (run.kind !== "code") open.at(-1).append(...nodes(run, document, katex));
            else if (run.info === undefined) element("code").textContent = withoutBackticks(run.source);
            else block(run);
        }
    }

    function block({ content, info }) {
        const block = element("pre", "code");
        block.dir = "ltr";
        block.tabIndex = 0; // It may scroll.
        if (info) {
            const label = block.appendChild(document.createElement("span"));
            label.className = "language";
            label.textContent = info;
        }
        const code = block.appendChild(document.createElement("code"));
        code.textContent = content;
        highlight(code, info);
    }

    /** The list's marker as it was written, since it may be a minus or the number of an equation. */
    function marker({ info, markup }) {
        const text = `${info}${markup}`;
        shown.push(text);
        element("span", "marker").textContent = `${text} `;
    }

    const makers = {
        paragraph_open: (token) => (token.hidden ? null : enterText("p")),
        paragraph_close: (token) => (token.hidden ? null : open.pop()),
        heading_open: ({ markup }) => {
            enterText("p", "heading");
            element("span", "marker").textContent = `${markup} `; // It may be a number sign, or GSM8K's mark of the answer.
        },
        bullet_list_open: () => enter("ul"),
        ordered_list_open: () => enter("ol"),
        list_item_open: (token) => {
            enterText("li");
            marker(token);
            enterText("div", "list-body");
        },
        list_item_close: () => open.splice(-2),
        table_open: () => { enter("div", "table-scroll"); open.at(-1).tabIndex = 0; enter("table"); },
        table_close: () => open.splice(-2),
        thead_open: () => enter("thead"),
        tbody_open: () => enter("tbody"),
        tr_open: () => enter("tr"),
        th_open: () => enterText("th"),
        td_open: () => enterText("td"),
        strong_open: () => enter("strong"),
        em_open: () => enter("em"),
        hr: () => element("hr"),
        fence: ({ content }) => write(content),
        inline: ({ children }) => inline(children),
    };

    /** Line breaks join the texts around them: a formula on a line of its own takes them away. */
    function inline(children) {
        let text = "";
        const flush = () => { if (text) write(text); text = ""; };
        for (const child of children) {
            if (child.type === "text") text += child.content;
            else if (/break$/.test(child.type)) text += "\n";
            else {
                flush();
                add(child);
            }
        }
        flush();
    }

    function add(token) {
        if (makers[token.type]) makers[token.type](token);
        else if (token.nesting < 0) open.pop();
        else throw new Error(`no element for ${token.type}`);
    }

    return { add, nodes: () => [...root.childNodes], shown: () => shown.join("") };
}

/** Runs of parts that `nodes` makes together, and code by itself. */
function runsOf(parts) {
    const runs = [];
    for (const part of parts) {
        if (part.kind === "code") runs.push(part);
        else if (Array.isArray(runs.at(-1))) runs.at(-1).push(part);
        else runs.push([part]);
    }
    return runs;
}

function withoutBackticks(source) {
    const count = /^`+/.exec(source)[0].length;
    return source.slice(count, -count);
}
