/** The labeling page: puts the parts together and wires them to keys, buttons and the browser's events. */
import { createApi } from "../shared/api.js";
import { benchFor } from "./protocols/index.js";
import { createClock, watchInput } from "./sync/activity-timer.js";
import { createConnection, watchForHope } from "./sync/connection.js";
import { createCorrection } from "./correction.js";
import { createDesk } from "./session.js";
import { askWhich, createSignInDialog, isDialogOpen, prepareDialogs } from "./dialogs.js";
import { createDrafts } from "./sync/drafts.js";
import { createFrame } from "./page.js";
import { createGuidelines } from "./guidelines.js";
import { createHelp } from "./help-dialog.js";
import { commandsOf, keyMap, listen } from "../shared/keys.js";
import { createLeases } from "./sync/leases.js";
import { warmFonts } from "../shared/math.js";
import { createOutbox } from "./sync/outbox.js";
import { createScreens } from "./empty-states.js";
import { createStore } from "./sync/local-storage.js";
import { createTabs } from "./sync/tab-sync.js";

const page = JSON.parse(document.getElementById("bootstrap").textContent);
const RELEASED = `annotate:${page.user.email}:released`;

const bench = await benchFor(page.round.protocol);
const commandsHere = commandsOf(bench, { isCorrection: Boolean(page.turn) });
const frame = createFrame({ submits: page.turn ? "Save correction" : "Submit" });
const store = createStore(page.user.email);
const api = createApi(page.api);
const clock = createClock({ isVisible: !document.hidden });
let today = page.progress.today;
let saving = "idle";

const connection = createConnection({ onChange: connectionChanged });
const signIn = createSignInDialog({ signIn: page.sign_in, retry: connection.wake });
const tabs = createTabs(page.user.email, {
    draft: (news) => drafts.hear(news),
    submitted: ({ id }) => desk.submittedElsewhere(id),
    signedIn: connection.wake,
});
const leases = createLeases({ api, clock, onLost: (id) => desk.leaseEnded(id) });
const drafts = createDrafts({
    api, connection, store,
    tell: tabs.tell,
    times: clock.read,
    choose: ({ mine, theirs }) => askWhich({ mine: desk.rows(mine), theirs: desk.rows(theirs) }),
    onState: draftState,
    onForeign: (said) => desk.show(said),
    onSubmitted: (id) => desk.submittedElsewhere(id),
    onKept: (why) => frame.notice(`The ratings of the task that you put off stay in this browser until it comes back: ${why}`),
});
const outbox = createOutbox({
    api, connection, store, before: drafts.atRest, saveDraft: drafts.saveLeft, onTaken: taken, onRefused: refused,
});
const screens = createScreens({ today: () => today, state: () => connection.state, again: () => desk.advance() });
const desk = page.turn ? createCorrection({
    turn: page.turn, options: page.round.options, bench, api, connection, clock, frame, store, leaveTo: page.work, onState: draftState,
}) : createDesk({
    round: `/projects/${page.project.slug}/rounds/${page.round.number}`,
    options: page.round.options,
    bench, api, connection, tabs, clock, leases, drafts, outbox, screens,
    frame: { ...frame, progress, handedIn: showState },
});

// --- what the parts tell ------------------------------------------------------------------------------------------

function connectionChanged(state) {
    if (state === "signed-out") signIn.open();
    else signIn.close();
    showState();
    desk.stateChanged(state);
}

function draftState(state, error) {
    saving = state;
    if (state === "refused") frame.notice(`These ratings could not be saved: ${error.message} They are kept in this browser.`, "error");
    showState();
}

function showState() {
    const waiting = outbox.ids().length;
    const states = { up: waiting ? "saving" : saving, away: "offline", "signed-out": "signedOut" };
    frame.saveState(states[connection.state], waiting);
}

function progress(figures) {
    today = figures.today;
    frame.progress(figures);
}

/** The server has a submission; of a task that was put off there is nothing to tell. */
function taken(entry, answer) {
    // What was put off keeps its draft here, and the server has nothing to tell of it.
    if (entry.act === "skip") return showState();
    drafts.forget(entry.id, entry.task);
    progress(answer.progress);
    showState();
    if (answer.assignment.state === "extra") {
        frame.notice("Others had finished your last task by the time it arrived. Yours is kept beside theirs.", "info");
    }
}

function refused(entry, error) {
    if (entry.act === "skip") {
        frame.notice(`The task could not be put off: ${error.message}`);
    } else if (error.code === "already_submitted") {
        drafts.forget(entry.id, entry.task);
        frame.notice("You had handed in that task before, with other ratings. The earlier ones stand.");
    } else {
        frame.notice(`Your last task was not taken: ${error.message} Its ratings are kept in this browser, and the task comes again.`, "error");
    }
    showState();
}

// --- keys and buttons ---------------------------------------------------------------------------------------------

// The server keeps the keys, so that they are the same on every machine; here is only what it has not heard yet.
const kept = store.read("keys");
let changed = kept && kept.unsaved !== false ? kept.changed : page.keys;
if (changed !== page.keys) saveKeys();
let keys = keyMap(commandsHere, changed);
frame.keys(keys);
const help = createHelp({
    commands: commandsHere,
    keys: () => keys,
    /** Other protocols' keys stay as they are; nothing given means that all are as they were. */
    onChange(given) {
        changed = Object.keys(given).length ? { ...changed, ...given } : {};
        saveKeys();
        keys = keyMap(commandsHere, changed);
        frame.keys(keys);
    },
});

async function saveKeys() {
    const given = changed;
    store.write("keys", { changed: given, unsaved: true });
    try {
        await connection.run(() => given === changed ? api.put("/me/keys", { keys: given }) : undefined);
        if (given === changed) store.write("keys", { changed: given, unsaved: false });
    } catch (error) {
        frame.notice(`Your keys could not be kept: ${error.message}`);
    }
}

const guidelines = createGuidelines();
const commands = { ...desk.commands, guidelines: guidelines.toggle, help: help.open, again: desk.advance };
listen((name) => commands[name](), { commands: commandsHere, keys: () => keys, isOn: () => !isDialogOpen() });

document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do], #thumbs [data-answer]");
    if (!button) return;
    // After a click the keys are the page's again: Enter must submit, not press the same button once more.
    if (event.detail > 0) button.blur();
    commands[button.dataset.do ?? button.dataset.answer]();
});

// --- the browser --------------------------------------------------------------------------------------------------

watchInput(clock);
watchForHope(connection);
addEventListener("resize", desk.fit);
addEventListener("pagehide", () => {
    drafts.leave();
    tabs.leave();
    const ids = desk.unbegun();
    sessionStorage.setItem(RELEASED, JSON.stringify(ids));
    for (const id of ids) api.post(`/assignments/${id}/release`, {}, { keepalive: true }).catch(() => {});
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

/** A reload gives back and claims again: make sure that it happens in this order. */
async function settleReleases() {
    const ids = JSON.parse(sessionStorage.getItem(RELEASED) ?? "[]");
    sessionStorage.removeItem(RELEASED);
    await Promise.all(ids.map((id) => api.post(`/assignments/${id}/release`).catch(() => {})));
}

warmFonts();
prepareDialogs();
store.tidy();
await settleReleases();
await desk.advance();
