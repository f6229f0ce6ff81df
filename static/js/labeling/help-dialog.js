/** The help dialog: what each key does, and giving a command another key. */
import { clash, nameOf } from "../shared/keys.js";

const byId = (id) => document.getElementById(id);

/** @param {{commands: object, keys: () => object, onChange: (changed: object) => void}} needs */
export function createHelp({ commands, keys, onChange }) {
    const dialog = byId("help");
    let listening = null;

    function rows() {
        return Object.entries(commands).flatMap(([name, command]) => {
            const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
            const button = document.createElement("button");
            button.type = "button";
            button.className = "button small";
            button.textContent = keys()[name];
            button.setAttribute("aria-label", `${command.says}: ${keys()[name]}. Press to change the key.`);
            button.addEventListener("click", () => listen(name));
            term.append(button);
            meaning.textContent = command.also ? `${command.says} (also ${command.also.replace("Arrow", "arrow ").toLowerCase()})` : command.says;
            return [term, meaning];
        });
    }

    function draw() {
        listening = null;
        byId("keys-error").textContent = "";
        byId("keys").replaceChildren(...rows());
    }

    function listen(name) {
        draw();
        listening = name;
        const button = byId("keys").querySelectorAll("button")[Object.keys(commands).indexOf(name)];
        button.textContent = "press a key";
        button.focus();
    }

    function take(event) {
        if (!listening || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") return draw();
        const [name, key] = [listening, nameOf(event)];
        const taken = clash(commands, keys(), name, key);
        if (taken) {
            byId("keys-error").textContent = `“${key}” is taken: ${taken}.`;
            return;
        }
        onChange({ ...keys(), [name]: key });
        draw();
    }

    dialog.addEventListener("keydown", take, { capture: true });
    dialog.addEventListener("cancel", (event) => listening && event.preventDefault());
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
