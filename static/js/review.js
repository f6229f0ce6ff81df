/**
 * The evidence page for a reviewer: a cursor over the steps, and a key for each decision.
 *
 * Decisions are sent one after the other, each as it was when its key was pressed. The response replaces only the parts of the
 * page that it changes, so that scroll position, focus and formulas stay as they are.
 */
import { csrfToken } from "./shared/api.js";
import { listen } from "./shared/keys.js";

const byId = (id) => document.getElementById(id);
const form = byId("adjudicate");
const hint = byId("step-keys");
const rows = [...document.querySelectorAll("tr[data-step]")];
const POLL_MS = 2_500;

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
let announcements = 0;
let sending = Promise.resolve();
let timer = 0;

/** Announce a sentence to screen readers once; a repeated sentence is announced again. */
function announce(sentence) {
    announcements += 1;
    byId("announcer").textContent = sentence + (announcements % 2 ? "\u00a0" : "");
}

// --- the cursor ------------------------------------------------------------------------------------------------------

function moveTo(index, { isByKey = false } = {}) {
    if (index < 0 || index >= rows.length) return;
    cursor = index;
    rows.forEach((row, rowIndex) => {
        row.classList.toggle("here", rowIndex === index);
        if (rowIndex === index) row.setAttribute("aria-current", "step");
        else row.removeAttribute("aria-current");
    });
    const { step, number } = rows[index].dataset;
    byId("adjudicate-step").value = step;
    form.querySelector("[data-at]").textContent = `step ${number}`;
    rows[index].querySelector("td.step").append(hint);
    if (!isByKey) return;
    const focused = document.activeElement;
    if (!focused || focused === document.body || byId("evidence").contains(focused)) rows[index].focus({ preventScroll: true });
    const isReduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    rows[index].scrollIntoView({ block: "nearest", behavior: isReduced ? "instant" : "smooth" });
    announce(`Step ${number} of ${rows.length}. ${byId(`consensus-${step}`).textContent.replace(/\s+/g, " ").trim()}`);
}

// --- decisions -------------------------------------------------------------------------------------------------------

function decide(act) {
    const decision = new FormData(form);
    decision.set("act", act);
    form.elements.note.value = "";
    sending = sending.then(() => send(decision)).catch((error) => showError(error.message, decision));
    return sending;
}

async function send(decision) {
    const response = await fetch(form.action, {
        method: "POST",
        body: decision,
        keepalive: true,
        redirect: "error",
        credentials: "same-origin",
        headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() },
    });
    const text = await response.text();
    if (!response.ok) {
        const page = new DOMParser().parseFromString(text, "text/html");
        const notice = page.querySelector(".notice")?.textContent.replace(/\s+/g, " ").trim();
        throw new Error(notice || `The server answered with status ${response.status}.`);
    }
    byId("trouble").replaceChildren();
    announce(replaceParts(text));
}

/** Replace each part of the page that the response contains, by its id. Returns the sentence to announce. */
function replaceParts(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const outcome = page.getElementById("outcome").textContent;
    const wasOpen = byId("history").open;
    for (const part of [...page.body.children]) if (part.id !== "outcome") byId(part.id)?.replaceWith(part);
    byId("history").open = wasOpen;
    pollPending();
    return outcome;
}

/** While a worker still has to compute the consensus, ask for it again without an announcement. */
function pollPending() {
    clearTimeout(timer);
    if (!("pending" in byId("first-errors").dataset)) return;
    timer = setTimeout(() => {
        sending = sending.then(async () => {
            const response = await fetch(form.dataset.consensusUrl, { credentials: "same-origin", redirect: "error" });
            if (response.ok) replaceParts(await response.text());
        }).catch(() => {}); // The person did not ask for it; the next decision reports what is wrong.
    }, POLL_MS);
}

/** Report that the decision was not saved, and put its note back into the form. */
function showError(message, decision) {
    const notice = document.createElement("p");
    notice.className = "notice error";
    notice.textContent = `Not saved: ${message}`;
    byId("trouble").replaceChildren(notice);
    form.elements.note.value ||= decision.get("note");
}

function goTo(rel) {
    const link = document.querySelector(`a[rel=${rel}]`);
    if (!link) return announce(rel === "next" ? "This is the last solution." : "This is the first solution.");
    return sending.then(() => location.assign(link.href));
}

// --- put together ----------------------------------------------------------------------------------------------------

const ACTIONS = {
    next: () => moveTo(cursor + 1, { isByKey: true }),
    previous: () => moveTo(cursor - 1, { isByKey: true }),
    nextSolution: () => goTo("next"),
    previousSolution: () => goTo("prev"),
    help: () => byId("help").showModal(),
};

if (form) {
    moveTo(cursor);
    pollPending();
    hint.hidden = false;
    byId("keys-button").hidden = false;
    byId("keys-button").addEventListener("click", () => byId("help").showModal());
    byId("adjudicate-step").addEventListener("change", ({ target }) => moveTo(rows.findIndex((row) => row.dataset.step === target.value)));
    byId("evidence").addEventListener("click", (event) => {
        const row = event.target.closest("tr[data-step]");
        if (row && getSelection().isCollapsed && !event.target.closest("a")) moveTo(rows.indexOf(row));
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
        if (event.submitter) decide(event.submitter.value);
    });
    listen((name) => (ACTIONS[name] ?? (() => decide(name)))(), {
        commands: COMMANDS,
        keys: () => KEYS,
        isOn: () => document.querySelector("dialog[open]") === null,
    });
}
