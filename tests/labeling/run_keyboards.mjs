/** Presses the keys of keyboards.json on the labeling page's commands, and prints the command of each. */
import { readFileSync } from "node:fs";
import { commandFor, createLayout, keyMap, keyOf } from "../../static/js/shared/keys.js";
import { commandsOf } from "../../static/js/labeling/commands.js";
import { loadProtocol } from "../../static/js/labeling/protocols/index.js";

const commands = commandsOf(await loadProtocol("first_error"));
const target = { closest: () => null };

/** @param {{typed?: object[], keys?: object, pressed: object}} press  `typed` before it on the same keyboard */
function commandOf({ typed = [], keys = {}, pressed }) {
    const layout = createLayout();
    for (const event of [...typed, pressed]) layout.note(event);
    const { altGraph = false, ...event } = pressed;
    const getModifierState = (name) => name === "AltGraph" && altGraph;
    const whole = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...event, target, getModifierState };
    return { command: commandFor(whole, commands, keyMap(commands, keys), layout), name: keyOf(whole, layout) };
}

const presses = JSON.parse(readFileSync(new URL("keyboards.json", import.meta.url), "utf8"));
console.log(JSON.stringify(presses.map(commandOf)));
