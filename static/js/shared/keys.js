/** The keyboard: which key does what, when keys are off, and a map that people may change. */

const SHARED = {
    undo: { key: "u", says: "Undo" },
    submit: { key: "Enter", says: "Submit, and the next task" },
    skip: { key: "s", says: "Skip: put the task off until nothing else is left" },
    giveUp: { key: "g", says: "Give up, with a reason" },
    badProblem: { key: "b", says: "The problem is bad, with a reason" },
    guidelines: { key: "i", says: "Guidelines" },
    help: { key: "?", says: "These keys" },
};

const CORRECTING = { submit: { key: "Enter", says: "Save the correction" } };

/** All commands of a page: what its bench adds, and what every bench has. */
export const commandsOf = (bench, { isCorrection = false } = {}) =>
    ({ ...bench.commands, ...SHARED, ...bench.commands, ...(isCorrection ? CORRECTING : {}) });

/** @returns {Record<string, string>} command to key; what was changed wins, as far as it still makes sense */
export function keyMap(commands, changed = {}) {
    const keys = Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, command.key]));
    for (const [name, key] of Object.entries(changed ?? {})) {
        if (name in keys && typeof key === "string" && !clash(commands, keys, name, key)) keys[name] = key;
    }
    return keys;
}

/** The command that has the key already, or null. Arrow keys and Escape are never free. */
export function clash(commands, keys, name, key) {
    if (/^(Arrow|Escape|Tab|F\d|Shift|Control|Alt|Meta|Dead|Process|CapsLock| $)/.test(key)) return "the browser";
    const taken = Object.entries(keys).find(([other, used]) => other !== name && used === key);
    return taken ? commands[taken[0]].says : null;
}

/** What an event's key is called in the map: small letters, and digits also on keyboards that want Shift for them. */
export function nameOf(event) {
    const digit = event.shiftKey ? null : /^Digit(\d)$/.exec(event.code ?? "");
    if (digit) return digit[1];
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function isTyping(target) {
    return Boolean(target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])"));
}

/** Enter on a button or a link presses that, and nothing else. */
function pressesItself(event) {
    return (event.key === "Enter" || event.key === " ") && Boolean(event.target.closest?.("button, a[href], summary"));
}

/**
 * The command that a key press means here, or null.
 * @param {KeyboardEvent} event
 */
export function commandFor(event, commands, keys) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (isTyping(event.target) || pressesItself(event)) return null;
    const pressed = nameOf(event);
    const fits = ([name, key]) => key === pressed || key === event.key || commands[name].also === event.key;
    const name = Object.entries(keys).find(fits)?.[0];
    if (!name || (event.shiftKey && event.key.length > 1)) return null;
    if (event.shiftKey && /[a-z]/i.test(event.key) && event.key.length === 1) return null;
    // A key held down must not rate a whole solution, nor submit twice.
    if (event.repeat && !commands[name].repeats) return null;
    return name;
}

/** Run commands on key presses, while `isOn()`. */
export function listen(run, { commands, keys, isOn, target = document }) {
    target.addEventListener("keydown", (event) => {
        const name = isOn() ? commandFor(event, commands, keys()) : null;
        if (!name) return;
        event.preventDefault();
        run(name);
    });
}
