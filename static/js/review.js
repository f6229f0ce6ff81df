/**
 * The evidence page at a reviewer's hands: a cursor over the steps, one key for each word.
 *
 * Words go out one after the other, each as it was when its key was pressed; what the server answers replaces the
 * parts of the page that it changes, so that scroll, focus and formulas stay where they are.
 */
import { csrfToken } from "./lib/api.js";
import { listen } from "./lib/keys.js";

const byId = (id) => document.getElementById(id);
const form = byId("adjudicate");
const hint = byId("step-keys");
const rows = [...document.querySelectorAll("tr[data-step]")];
const WORKED_OUT_MS = 2_500;

const COMMANDS = {
    next: { key: "j", also: "ArrowDown", repeats: true },
    previous: { key: "k", also: "ArrowUp", repeats: true },
    bad: { key: "1" },
    okay: { key: "2" },
    great: { key: "3" },
    first_error: { key: "x" },
    no_error: { key: "0", also: "Enter" },
    withdraw: { key: "u" },
    gold: { key: "g" },
    also_accept: { key: "a" },
    nextSolution: { key: "n" },
    previousSolution: { key: "p" },
    help: { key: "?" },
};
const KEYS = Object.fromEntries(Object.entries(COMMANDS).map(([name, { key }]) => [name, key]));

let cursor = Math.max(0, rows.findIndex((row) => row.classList.contains("here")));
let spoken = 0;
let sending = Promise.resolve();
let timer = 0;

/** Said once; the same sentence again is said again. */
function say(sentence) {
    spoken += 1;
    byId("announcer").textContent = sentence + (spoken % 2 ? "\u00a0" : "");
}

// --- the cursor ------------------------------------------------------------------------------------------------------

function point(index, { isByKey = false } = {}) {
    if (index < 0 || index >= rows.length) return;
    cursor = index;
    rows.forEach((row, place) => {
        row.classList.toggle("here", place === index);
        if (place === index) row.setAttribute("aria-current", "step");
        else row.removeAttribute("aria-current");
    });
    const { step, number } = rows[index].dataset;
    byId("adjudicate-step").value = step;
    form.querySelector("[data-at]").textContent = `step ${number}`;
    rows[index].querySelector("td.step").append(hint);
    if (!isByKey) return;
    const focused = document.activeElement;
    if (!focused || focused === document.body || byId("evidence").contains(focused)) rows[index].focus({ preventScroll: true });
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    rows[index].scrollIntoView({ block: "nearest", behavior: isStill ? "instant" : "smooth" });
    say(`Step ${number} of ${rows.length}. ${byId(`consensus-${step}`).textContent.replace(/\s+/g, " ").trim()}`);
}

// --- words -----------------------------------------------------------------------------------------------------------

function give(act) {
    const said = new FormData(form);
    said.set("act", act);
    form.elements.note.value = "";
    sending = sending.then(() => send(said)).catch((error) => trouble(error.message, said));
    return sending;
}

async function send(said) {
    const answer = await fetch(form.action, {
        method: "POST",
        body: said,
        keepalive: true,
        redirect: "error",
        credentials: "same-origin",
        headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() },
    });
    const text = await answer.text();
    if (!answer.ok) {
        const page = new DOMParser().parseFromString(text, "text/html");
        throw new Error(page.querySelector(".notice")?.textContent.replace(/\s+/g, " ").trim() || `The server answered ${answer.status}.`);
    }
    byId("trouble").replaceChildren();
    say(replaceBy(text));
}

/** Put each part of the answer in place of the one by its id; gives the sentence that goes with it. */
function replaceBy(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const said = page.getElementById("outcome").textContent;
    const wasOpen = byId("history").open;
    for (const part of [...page.body.children]) if (part.id !== "outcome") byId(part.id)?.replaceWith(part);
    byId("history").open = wasOpen;
    lookAgain();
    return said;
}

/** While a worker has not looked at it since, what stands may change: ask again, quietly. */
function lookAgain() {
    clearTimeout(timer);
    if (!("pending" in byId("first-errors").dataset)) return;
    timer = setTimeout(() => {
        sending = sending.then(async () => {
            const answer = await fetch(form.dataset.consensusUrl, { credentials: "same-origin", redirect: "error" });
            if (answer.ok) replaceBy(await answer.text());
        }).catch(() => {}); // Nobody asked for it: the next word tells what is wrong.
    }, WORKED_OUT_MS);
}

/** The word is not lost: its note is back in the form, and the sentence says that it was not taken. */
function trouble(message, said) {
    const note = document.createElement("p");
    note.className = "notice error";
    note.textContent = `Not taken: ${message}`;
    byId("trouble").replaceChildren(note);
    form.elements.note.value ||= said.get("note");
}

function follow(rel) {
    const link = document.querySelector(`a[rel=${rel}]`);
    if (!link) return say(rel === "next" ? "This is the last one." : "This is the first one.");
    return sending.then(() => location.assign(link.href));
}

// --- put together ----------------------------------------------------------------------------------------------------

const ACTS = {
    next: () => point(cursor + 1, { isByKey: true }),
    previous: () => point(cursor - 1, { isByKey: true }),
    nextSolution: () => follow("next"),
    previousSolution: () => follow("prev"),
    help: () => byId("help").showModal(),
};

if (form) {
    point(cursor);
    lookAgain();
    hint.hidden = false;
    byId("keys-button").hidden = false;
    byId("keys-button").addEventListener("click", () => byId("help").showModal());
    byId("adjudicate-step").addEventListener("change", ({ target }) => point(rows.findIndex((row) => row.dataset.step === target.value)));
    byId("evidence").addEventListener("click", (event) => {
        const row = event.target.closest("tr[data-step]");
        if (row && getSelection().isCollapsed && !event.target.closest("a")) point(rows.indexOf(row));
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
        if (event.submitter) give(event.submitter.value);
    });
    listen((name) => (ACTS[name] ?? (() => give(name)))(), {
        commands: COMMANDS,
        keys: () => KEYS,
        isOn: () => document.querySelector("dialog[open]") === null,
    });
}
