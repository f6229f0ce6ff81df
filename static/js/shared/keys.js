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

/**
 * What a keyboard's letter keys type. The letters of a Latin layout are printed on its keys, whichever places they have (AZERTY,
 * Dvorak), so they are taken as typed. On any other layout the place of a key stands for the letter that it has on the most
 * common one. A Hebrew or Greek layout types punctuation with some letter keys, as Dvorak does: the last letter that was
 * typed tells which of them it is.
 */
export function createLayout() {
    let isLatin = true;
    return {
        get isLatin() { return isLatin; },
        note({ key = "", code = "" }) {
            if (/^Key[A-Z]$/.test(code) && /^\p{Letter}+$/u.test(key) && isCharacter(key)) isLatin = isLatinText(key);
        },
    };
}

const isCharacter = (key) => key.length === 1 || /[^\x00-\x7f]/.test(key); // One Arabic key types two letters at once.
const isLatinText = (text) => /^[\x20-\x7e\p{Script=Latin}]+$/u.test(text);
const isLetter = (text) => /^\p{Letter}+$/u.test(text);

/** The Latin letter, digit or question mark at a key's place, where the layout types something else there; else null. */
function placeOf({ key, code = "", shiftKey }, layout) {
    if (!shiftKey && /^Digit\d$/.test(code)) return code.at(-1); // AZERTY types digits with Shift only.
    if (!isCharacter(key) || (isLatinText(key) && (layout.isLatin || isLetter(key) || /\d/.test(key)))) return null;
    if (code === "Slash" && shiftKey) return isLatinText(key) ? null : "?";
    return /^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : null;
}

/** The key map's name of an event's key: lower case, and what the place of the key stands for where it types no Latin letter. */
export function keyOf(event, layout = createLayout()) {
    return placeOf(event, layout) ?? (isCharacter(event.key) ? event.key.toLowerCase() : event.key);
}

/** AltGr types characters, and so does Option on a Mac: neither runs commands. */
const hasModifier = (event) =>
    event.ctrlKey || event.metaKey || event.altKey || Boolean(event.getModifierState?.("AltGraph"));

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
 * @param {ReturnType<createLayout>} [layout]  of the keyboard that it was pressed on
 */
export function commandFor(event, commands, keys, layout = createLayout()) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || hasModifier(event)) return null;
    if (isTyping(event.target) || pressesTarget(event)) return null;
    const nameOf = (pressed) => Object.keys(keys).find((name) => keys[name] === pressed || commands[name].also === pressed);
    // A key that somebody chose is taken as it is typed, before its place is.
    const name = nameOf(event.key) ?? nameOf(isCharacter(event.key) ? event.key.toLowerCase() : event.key) ?? nameOf(keyOf(event, layout));
    if (!name || (event.shiftKey && !isCharacter(event.key))) return null;
    if (event.shiftKey && (isLetter(event.key) || /^[a-z]$/.test(keys[name]))) return null;
    // A key held down must not rate a whole solution, nor submit twice.
    if (event.repeat && !commands[name].repeats) return null;
    return name;
}

/** Run commands on key presses, while `isOn()`. */
export function listen(run, { commands, keys, isOn, target = document, layout = createLayout() }) {
    target.addEventListener("keydown", layout.note, { capture: true });
    target.addEventListener("keydown", (event) => {
        const name = isOn() ? commandFor(event, commands, keys(), layout) : null;
        if (!name) return;
        event.preventDefault();
        run(name);
    });
}
