/** The help dialog: what each key does, and how to give a command another key. */
import { conflictOf, createLayout, keyOf } from "../shared/keys.js";

const byId = (id) => document.getElementById(id);

/** @param {{commands: object, keys: () => object, onChange: (changes: object) => void}} needs  no changes at all: reset to the defaults */
export function createHelpDialog({ commands, keys, onChange }) {
    const dialog = byId("help");
    const layout = createLayout();
    let remapped = null; // The command that waits for its new key.

    function rowsOf([name, command]) {
        const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button small";
        button.textContent = keys()[name];
        button.setAttribute("aria-label", `${command.label}: ${keys()[name]}. Press to change the key.`);
        button.addEventListener("click", () => waitForKey(name));
        term.append(button);
        const also = command.also?.replace("Arrow", "arrow ").toLowerCase();
        meaning.textContent = also ? `${command.label} (also ${also})` : command.label;
        return [term, meaning];
    }

    function draw() {
        remapped = null;
        byId("keys-error").textContent = "";
        byId("keys").replaceChildren(...Object.entries(commands).flatMap(rowsOf));
    }

    function waitForKey(name) {
        draw();
        remapped = name;
        const button = byId("keys").querySelectorAll("button")[Object.keys(commands).indexOf(name)];
        button.textContent = "press a key";
        button.focus();
    }

    function takeKey(event) {
        if (!remapped || ["Shift", "Control", "Alt", "AltGraph", "Meta"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") return draw();
        const [name, key] = [remapped, keyOf(event, layout)];
        const conflict = conflictOf(commands, keys(), name, key);
        if (conflict) {
            byId("keys-error").textContent = `“${key}” is already used for: ${conflict}. Press another key, or Escape to cancel.`;
            return;
        }
        onChange({ ...keys(), [name]: key });
        draw();
    }

    document.addEventListener("keydown", layout.note, { capture: true });
    dialog.addEventListener("keydown", takeKey, { capture: true });
    dialog.addEventListener("cancel", (event) => remapped && event.preventDefault());
    byId("keys-reset").addEventListener("click", () => {
        onChange({});
        draw();
    });

    return {
        open() {
            draw();
            dialog.showModal();
        },
    };
}
