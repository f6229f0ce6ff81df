/** The labeling page for reviewers: the same task, keys and buttons, with what is known of a labeler's submission. */
import { createApi } from "../shared/api.js";
import { warmFonts } from "../shared/math.js";
import { reviewCommandsOf } from "./commands.js";
import { createControls, listenToPerson } from "./controls.js";
import { createSignInDialog, prepareDialogs } from "./dialogs.js";
import { createGuidelines } from "./guidelines.js";
import { createPage } from "./page.js";
import { createPanels } from "./panels.js";
import { clone } from "./protocols/view-parts.js";
import { loadProtocol } from "./protocols/index.js";
import { createReview } from "./review.js";
import { createReviewPanel } from "./review-panel.js";
import { createVisited } from "./visited-submissions.js";
import { createActivityTimer, watchInput } from "./sync/activity-timer.js";
import { createConnection, watchNetwork } from "./sync/connection.js";
import { createLocalStore } from "./sync/local-storage.js";

const config = JSON.parse(document.getElementById("bootstrap").textContent);
const protocol = await loadProtocol(config.round.protocol);
const commands = reviewCommandsOf(protocol);
const page = createPage();
const store = createLocalStore(config.user.email);
const api = createApi(config.api);
const activity = createActivityTimer({ isVisible: !document.hidden });
const visited = createVisited(`annotate:${config.user.email}:review:${config.project.slug}`);
let saveState = "idle";

const connection = createConnection({ onChange: onConnectionChange });
const signIn = createSignInDialog({ signIn: config.sign_in, retry: connection.retryNow });
const controls = createControls({ commands, changes: config.keys, store, api, connection, page });
const panels = createPanels({ showKeys: controls.showKeys });
const panel = createReviewPanel();
const guidelines = createGuidelines();
const review = createReview({
    config, protocol, api, connection, activity, page, panel, visited,
    onNone: showNone,
    onState(state) {
        saveState = state;
        showSaveState();
        page.showLast(visited.hasLast());
    },
});

function showSaveState() {
    page.showSaveState({ online: saveState, offline: "offline", "signed-out": "signedOut" }[connection.state]);
}

function onConnectionChange(state) {
    if (state === "signed-out") signIn.open();
    else signIn.close();
    showSaveState();
    review.onConnectionChange(state);
}

/** Nothing waits: say why. */
function showNone(why) {
    const section = clone("no-task-template");
    section.querySelector('[data-slot="title"]').textContent = "Nothing waits for your review";
    section.querySelector('[data-slot="message"]').textContent = why;
    panel.hide();
    panels.show(section);
    page.showLast(visited.hasLast());
    page.announce(why);
}

function checkAgain() {
    visited.clearSeen();
    review.advance();
}

const ownRuns = { guidelines: guidelines.toggle, help: controls.openHelp, checkAgain };
listenToPerson((name) => (ownRuns[name] ?? review.commands[name] ?? (() => {}))(), controls);

watchInput(activity);
watchNetwork(connection);
addEventListener("resize", () => review.fit());
addEventListener("beforeunload", (event) => review.hasUnsaved() && event.preventDefault());
addEventListener("pageshow", (event) => event.persisted && location.reload());

warmFonts();
prepareDialogs();
page.showLast(visited.hasLast());
await review.open(config.review.assignment);
