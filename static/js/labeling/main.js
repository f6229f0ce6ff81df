/** The labeling page: creates its parts and connects them with keys, buttons and the browser's events. */
import { createApi } from "../shared/api.js";
import { warmFonts } from "../shared/math.js";
import { commandsOf } from "./commands.js";
import { createControls, listenToPerson } from "./controls.js";
import { createCorrection } from "./correction.js";
import { askWhichVersion, createSignInDialog, prepareDialogs } from "./dialogs.js";
import { createEmptyStates } from "./empty-states.js";
import { createGuidelines } from "./guidelines.js";
import { createLastSubmission } from "./last-submission.js";
import { createPage } from "./page.js";
import { announceRound, createPanels } from "./panels.js";
import { loadProtocol } from "./protocols/index.js";
import { createSession } from "./session.js";
import { createSkippedList } from "./skipped-list.js";
import { createActivityTimer, watchInput } from "./sync/activity-timer.js";
import { createConnection, watchNetwork } from "./sync/connection.js";
import { createDrafts } from "./sync/drafts.js";
import { createLeases } from "./sync/leases.js";
import { createLocalStore } from "./sync/local-storage.js";
import { createOutbox } from "./sync/outbox.js";
import { createTabSync } from "./sync/tab-sync.js";
import { createTraining } from "./training.js";

const config = JSON.parse(document.getElementById("bootstrap").textContent);
const RELEASED_KEY = `annotate:${config.user.email}:released`;
const isCorrection = Boolean(config.assignment);
/** Refusals of a submission after which its task does not come back. */
const FINAL = ["retaken", "answer_seen"];

const protocol = await loadProtocol(config.round.protocol);
const commands = commandsOf(protocol, { isCorrection });
const page = createPage();
const store = createLocalStore(config.user.email);
const api = createApi(config.api);
const activity = createActivityTimer({ isVisible: !document.hidden });
let submittedToday = config.progress.today;
let draftState = "idle";
let correctionState = null; // That of a correction in place of the current task, whose draft is kept behind it.

const connection = createConnection({ onChange: onConnectionChange });
const signIn = createSignInDialog({ signIn: config.sign_in, retry: connection.retryNow });
const tabSync = createTabSync(config.user.email, {
    draft: (draft) => drafts.receive(draft),
    submitted: ({ id }) => session.onSubmittedElsewhere(id),
    signedIn: connection.retryNow,
});
const leases = createLeases({ api, activity, onEnded: (id) => session.onLeaseEnded(id) });
const drafts = createDrafts({
    api, connection, store,
    send: tabSync.send,
    times: () => session.times(),
    choose: ({ own, saved }) => askWhichVersion({ own: session.conflictRows(own), saved: session.conflictRows(saved) }),
    onState: onDraftState,
    onReplaced: (answers) => session.adopt(answers),
    onSubmitted: (id) => session.onSubmittedElsewhere(id),
    onUnsaved: (reason) => page.notice(`Your ratings of the skipped task stay in this browser until it comes back: ${reason}`),
});
const roundPath = `/projects/${config.project.slug}/rounds/${config.round.number}`;
const outbox = createOutbox({
    api, connection, store, round: roundPath, ready: drafts.atRest, saveDraft: drafts.saveSkipped, onAccepted, onRejected,
});
const controls = createControls({ commands, changes: config.keys, store, api, connection, page });
const panels = createPanels({ showKeys: controls.showKeys });
const emptyStates = createEmptyStates({
    today: () => submittedToday, connectionState: () => connection.state, checkAgain: () => session.advance(), panels,
    onEnd: createSkippedList({ api, path: `${roundPath}/skipped`, resume: (id) => session.resume(id) }),
});
const { options } = config.round;
const lastSubmission = createLastSubmission({
    last: config.last, session: () => session, outbox, api, connection, page,
    correcting: { options, protocol, activity, store, onState: onCorrectionState },
    onEnded: () => onCorrectionState(null),
});
const training = config.round.kind === "training"
    ? createTraining({ api, connection, page, panels, goOn: () => session.advance() }) : null;
const session = isCorrection ? createCorrection({
    id: config.assignment, options, protocol, api, connection, activity, page, store, onState: onDraftState,
    onSaved: (changes) => location.assign(changes.length ? `${config.work}?corrected=${config.assignment}` : config.work),
}) : createSession({
    round: roundPath, options, resume: config.resume, lastSubmission, training, guideline: config.round.guideline,
    protocol, api, connection, tabSync, activity, leases, drafts, outbox, page, emptyStates, onProgress, onQueued: showSaveState,
});
if (isCorrection) page.showCorrecting(true);
/** What keys and buttons act on: the correction of the last submission while there is one, else the session. */
const desk = () => lastSubmission.correction ?? session;

// --- what the parts report ----------------------------------------------------------------------------------------

function onConnectionChange(state) {
    if (state === "signed-out") signIn.open();
    else signIn.close();
    showSaveState();
    session.onConnectionChange(state);
    lastSubmission.correction?.onConnectionChange(state);
}

function onDraftState(state, error) {
    draftState = state;
    if (state === "refused") page.notice(`These ratings could not be saved: ${error.message} They are kept in this browser.`, "error");
    showSaveState();
}

function onCorrectionState(state) {
    correctionState = state;
    showSaveState();
}

function showSaveState() {
    const unsent = outbox.ids().length;
    const states = { online: correctionState ?? (unsent ? "saving" : draftState), offline: "offline", "signed-out": "signedOut" };
    page.showSaveState(states[connection.state], unsent);
}

function onProgress(progress) {
    submittedToday = progress.today;
    page.showProgress(progress);
}

/** The server has the entry. The draft of a skipped task stays in this browser, and there is no progress to show. */
function onAccepted(entry, response) {
    if (entry.action === "skip") return showSaveState();
    drafts.forget(entry.id, entry.task);
    if (entry.round === roundPath) onProgress(response.progress); // Of another round the page only sends what waits.
    showSaveState();
    if (response.assignment.state === "extra") {
        page.notice("Others had completed your last task before your submission arrived. Yours is kept as an extra.", "info");
    }
}

function onRejected(entry, error) {
    if (entry.action === "skip") {
        page.notice(`The task could not be skipped: ${error.message}`);
    } else if (error.code === "already_submitted") {
        drafts.forget(entry.id, entry.task);
        page.notice("You have already submitted your last task with other ratings. The first submission counts.");
    } else if (FINAL.includes(error.code)) {
        drafts.forget(entry.id, entry.task);
        page.notice(`Your last task was not accepted: ${error.message}`, "error");
    } else {
        page.notice(`Your last task was not accepted: ${error.message} Its ratings are kept in this browser, and the task comes back.`, "error");
    }
    if (entry.action !== "skip" && error.code !== "already_submitted") lastSubmission.forget(entry.id);
    showSaveState();
}

// --- keys and buttons ---------------------------------------------------------------------------------------------

const guidelines = createGuidelines();
const ownRuns = {
    submit: () => panels.enter() || desk().commands.submit(),
    guidelines: guidelines.toggle, help: controls.openHelp, checkAgain: session.advance,
};
const run = (name) => (ownRuns[name] ?? desk().commands[name])();
listenToPerson(run, controls);

const reply = document.getElementById("reply");
reply.addEventListener("input", () => desk().reply(reply.value));
reply.addEventListener("keydown", (event) => {
    const isSubmit = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat;
    if ((event.key !== "Escape" && !isSubmit) || event.isComposing) return;
    event.preventDefault();
    reply.blur();
    if (isSubmit) run("submit");
});

// --- the browser --------------------------------------------------------------------------------------------------

watchInput(activity);
watchNetwork(connection);
addEventListener("resize", () => desk().fit());
addEventListener("pagehide", () => {
    drafts.leave();
    tabSync.leave();
    const ids = session.unbegunIds();
    sessionStorage.setItem(RELEASED_KEY, JSON.stringify(ids));
    for (const id of ids) api.post(`/assignments/${id}/release`, {}, { keepalive: true }).catch(() => {});
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

/** A reload releases assignments and claims again: make sure that it happens in this order. */
async function finishReleases() {
    const ids = JSON.parse(sessionStorage.getItem(RELEASED_KEY) ?? "[]");
    sessionStorage.removeItem(RELEASED_KEY);
    await Promise.all(ids.map((id) => api.post(`/assignments/${id}/release`).catch(() => {})));
}

warmFonts();
prepareDialogs();
store.dropOldDrafts();
await finishReleases();
if (!isCorrection) await announceRound(panels);
await session.advance();
