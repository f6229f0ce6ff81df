/** What every page has: the theme switch, menus that close, copy buttons, htmx's CSRF token. */
import { csrfToken } from "./shared/api.js";

const THEMES = ["system", "light", "dark"];
const NAMES = { system: "system", light: "light", dark: "dark" };

function chosenTheme() {
    return document.documentElement.dataset.theme ?? "system";
}

function chooseTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
        localStorage.setItem("annotate:theme", theme);
    } catch {
        // Without storage the choice lasts until the page is left.
    }
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const showName = () => { button.textContent = `Theme: ${NAMES[chosenTheme()]}`; };
    button.hidden = false;
    showName();
    button.addEventListener("click", () => {
        chooseTheme(THEMES[(THEMES.indexOf(chosenTheme()) + 1) % THEMES.length]);
        showName();
    });
}

document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
        if (!menu.contains(event.target)) menu.open = false;
    }
});

document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
    }
});

document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = button.closest(".copy").querySelector("code").textContent;
    const before = button.textContent;
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
    } catch {
        button.textContent = "Select the text and copy it";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
});

// Tell the labeling pages that wait for the person to sign in again.
if ("signedIn" in document.body.dataset && globalThis.BroadcastChannel) {
    const channel = new BroadcastChannel("annotate");
    channel.postMessage({ kind: "signed-in" });
    channel.close();
}

document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrfToken();
});
