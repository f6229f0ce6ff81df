/** What every page has: the theme switch, menus that close, copy buttons, htmx's CSRF token. */
import { csrfToken } from "./lib/api.js";

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
        // Without storage the choice lasts as long as the page.
    }
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const name = () => { button.textContent = `Theme: ${NAMES[chosenTheme()]}`; };
    button.hidden = false;
    name();
    button.addEventListener("click", () => {
        chooseTheme(THEMES[(THEMES.indexOf(chosenTheme()) + 1) % THEMES.length]);
        name();
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
        button.textContent = "Select and copy by hand";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
});

// A page that asked somebody to sign in again may go on now.
if ("signedIn" in document.body.dataset && globalThis.BroadcastChannel) {
    const channel = new BroadcastChannel("annotate");
    channel.postMessage({ kind: "signed-in" });
    channel.close();
}

document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrfToken();
});
