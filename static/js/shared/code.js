/** Highlights code with highlight.js, which is loaded, language by language, when a text has code in it. */
const LANGUAGES = {
    bash: () => import("../../vendor/highlight/languages/bash.min.js"),
    c: () => import("../../vendor/highlight/languages/c.min.js"),
    cpp: () => import("../../vendor/highlight/languages/cpp.min.js"),
    csharp: () => import("../../vendor/highlight/languages/csharp.min.js"),
    css: () => import("../../vendor/highlight/languages/css.min.js"),
    go: () => import("../../vendor/highlight/languages/go.min.js"),
    haskell: () => import("../../vendor/highlight/languages/haskell.min.js"),
    java: () => import("../../vendor/highlight/languages/java.min.js"),
    javascript: () => import("../../vendor/highlight/languages/javascript.min.js"),
    json: () => import("../../vendor/highlight/languages/json.min.js"),
    julia: () => import("../../vendor/highlight/languages/julia.min.js"),
    latex: () => import("../../vendor/highlight/languages/latex.min.js"),
    python: () => import("../../vendor/highlight/languages/python.min.js"),
    r: () => import("../../vendor/highlight/languages/r.min.js"),
    ruby: () => import("../../vendor/highlight/languages/ruby.min.js"),
    rust: () => import("../../vendor/highlight/languages/rust.min.js"),
    sql: () => import("../../vendor/highlight/languages/sql.min.js"),
    typescript: () => import("../../vendor/highlight/languages/typescript.min.js"),
    xml: () => import("../../vendor/highlight/languages/xml.min.js"),
};
const ALIASES = {
    "c++": "cpp", cs: "csharp", golang: "go", hs: "haskell", html: "xml", js: "javascript", jl: "julia", jsonl: "json", postgresql: "sql",
    py: "python", python3: "python", rb: "ruby", rs: "rust", sh: "bash", shell: "bash", tex: "latex", ts: "typescript", zsh: "bash",
};
// Longer code is shown without colours: highlighting must not block the page.
const MAX_LENGTH = 20_000;

/** Colour the code in the element once the language is loaded; nothing moves. Unknown languages stay as they are. */
export async function highlight(element, info) {
    const word = /^[\w+#-]*/.exec(info.toLowerCase())[0];
    const name = ALIASES[word] ?? word;
    const text = element.textContent;
    if (!Object.hasOwn(LANGUAGES, name) || text.length > MAX_LENGTH) return;
    try {
        const [{ default: hljs }, { default: language }] =
            await Promise.all([import("../../vendor/highlight/core.min.js"), LANGUAGES[name]()]);
        if (!hljs.getLanguage(name)) hljs.registerLanguage(name, language);
        const { value } = hljs.highlight(text, { language: name, ignoreIllegals: true });
        if (element.textContent === text) element.replaceChildren(...coloured(value, element.ownerDocument));
    } catch {
        // Without the files, as in an old tab after an update, code has no colours.
    }
}

/** Highlight the code blocks of HTML that the server has made from Markdown. */
export function highlightWithin(root) {
    for (const code of root.querySelectorAll('pre > code[class^="language-"]')) highlight(code, code.className.slice("language-".length));
}

/** The spans of highlighted code with their classes and texts, and nothing else that HTML could contain. */
function coloured(html, document) {
    const { body } = new DOMParser().parseFromString(html, "text/html");
    const copy = (node) => {
        if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
        const span = document.createElement("span");
        span.className = node.className;
        span.append(...Array.from(node.childNodes, copy));
        return span;
    };
    return Array.from(body.childNodes, copy);
}
