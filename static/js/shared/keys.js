/**
 * The keyboard: which key runs which command, when keys are off, and a key map that people may change.
 *
 * @typedef {{key: string, also?: string, label?: string, repeats?: boolean}} Command
 *   `also` is a second key that cannot be changed; `repeats`: the command runs on while its key is held down
 */

/** The key of each command. Changes that no longer make sense are ignored. @returns {Record<string, string>} */
export function keyMap(commands, changes = {}) {
    const keys = Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, command.key]));
    for (const [name, key] of Object.entries(changes ?? {})) {
        if (name in keys && typeof key === "string" && !conflictOf(commands, keys, name, key)) keys[name] = key;
    }
    return keys;
}

/** What uses the key already, or null. Arrow keys and Escape are never free. */
export function conflictOf(commands, keys, name, key) {
    if (/^(Arrow|Escape|Tab|F\d|Shift|Control|Alt|Meta|Dead|Process|CapsLock| $)/.test(key)) return "the browser";
    const other = Object.keys(keys).find((used) => used !== name && keys[used] === key);
    return other ? commands[other].label : null;
}

/** The key map's name of an event's key: lower case, and digits also on keyboards that need Shift for them. */
export function keyOf(event) {
    const digit = event.shiftKey ? null : /^Digit(\d)$/.exec(event.code ?? "");
    if (digit) return digit[1];
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function isTyping(target) {
    return Boolean(target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])"));
}

/** Enter or the space bar on a button or a link presses that, and does nothing else. */
function pressesTarget(event) {
    return (event.key === "Enter" || event.key === " ") && Boolean(event.target.closest?.("button, a[href], summary"));
}

/**
 * The command that a key press runs, or null.
 * @param {KeyboardEvent} event
 */
export function commandFor(event, commands, keys) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (isTyping(event.target) || pressesTarget(event)) return null;
    const pressed = keyOf(event);
    const isMatch = ([name, key]) => key === pressed || key === event.key || commands[name].also === event.key;
    const name = Object.entries(keys).find(isMatch)?.[0];
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
