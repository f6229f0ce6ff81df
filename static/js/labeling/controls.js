/** Keys and buttons, as the person has set them: which command they run, and the dialog that shows and changes the keys. */
import { keyMap, listen } from "../shared/keys.js";
import { isDialogOpen } from "./dialogs.js";
import { createHelpDialog } from "./help-dialog.js";

/**
 * The server keeps the key map, so that it is the same on every machine; this browser keeps what could not be sent yet.
 * @param {object} needs
 * @param {object} needs.changes  the person's changes of the key map, as the server has them
 */
export function createControls({ commands, changes, store, api, connection, page }) {
    const kept = store.read("keys");
    let keyChanges = kept && kept.unsaved !== false ? kept.changed : changes;
    if (keyChanges !== changes) saveKeys();
    let keys = keyMap(commands, keyChanges);
    const showKeys = () => page.showKeys(keys);
    const help = createHelpDialog({
        commands,
        keys: () => keys,
        /** The keys of other protocols stay as they are, unless all are reset. */
        onChange(changed) {
            keyChanges = Object.keys(changed).length ? { ...keyChanges, ...changed } : {};
            saveKeys();
            keys = keyMap(commands, keyChanges);
            showKeys();
        },
    });

    async function saveKeys() {
        const changed = keyChanges;
        store.write("keys", { changed, unsaved: true });
        try {
            await connection.run(() => changed === keyChanges ? api.put("/me/keys", { keys: changed }) : undefined);
            if (changed === keyChanges) store.write("keys", { changed, unsaved: false });
        } catch (error) {
            page.notice(`Your keys could not be saved: ${error.message}`);
        }
    }

    showKeys();
    return { commands, keys: () => keys, showKeys, openHelp: help.open };
}

/** Run commands on key presses, and on clicks on the page's buttons. @param {(name: string) => void} run */
export function listenToPerson(run, { commands, keys }) {
    listen(run, { commands, keys, isOn: () => !isDialogOpen() });
    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-do], #thumbs [data-answer]");
        if (!button) return;
        // After a click the keys are the page's again: Enter must submit, not press the same button once more.
        if (event.detail > 0) button.blur();
        run(button.dataset.do ?? button.dataset.answer);
    });
}
