/** Whose submission it is, why it may be wrong, the first errors that the sources name, and what was said about it before. */
import { describePreference } from "./protocols/comparison/state.js";

const byId = (id) => document.getElementById(id);
const SOURCES = { gold: "gold", consensus: "consensus", monte_carlo: "Monte Carlo" };
const DECISIONS = { accepted: "accepted", returned: "returned", corrected: "corrected" };
const FINISHES = { found_error: "found the first error", solution: "reached the end", give_up: "gave up", bad_problem: "reported the problem" };
const PROGRESS = { "-1": "not far", 0: "half way", 1: "far" };

export function createReviewPanel() {
    const panel = byId("review-panel");
    const slot = (name) => panel.querySelector(`[data-slot="${name}"]`);
    const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", { dateStyle: "medium", timeStyle: "short" });

    /** @param {HTMLElement} pane  of the problem, under which it stands */
    function show(opened, pane) {
        panel.hidden = false;
        pane.append(panel);
        document.body.classList.toggle("fixed-answers", Boolean(opened.refusals.corrected));
        slot("labeler").textContent = opened.labeler;
        slot("facts").textContent = factsOf(opened).join(" · ");
        slot("reasons").replaceChildren(...opened.reasons.map((reason) => badge(reason, "okay")));
        const opinions = opened.evidence ? firstErrors(opened) : opened.preferences.map(preferenceItem);
        slot("opinions").replaceChildren(...opinions);
        slot("hidden").hidden = !opened.evidence?.hidden_in;
        slot("hidden-round").textContent = opened.evidence?.hidden_in ?? "";
        slot("solution").hidden = opened.solution === null;
        if (opened.solution !== null) slot("solution").href = `${slot("solution").dataset.base}/${opened.solution}`;
        slot("why").textContent = [...new Set([opened.refusals.accepted, opened.refusals.corrected].filter(Boolean))].join(" ");
        slot("why").hidden = !slot("why").textContent;
        showCorrection(opened);
        showHistory(opened);
    }

    function factsOf({ assignment, submission, submitted_at: submittedAt, active_ms: activeMs, guideline, state }) {
        const isCompared = assignment.protocol === "comparison" && submission.finish_reason === "solution";
        return [
            isCompared ? "" : FINISHES[submission.finish_reason] ?? "",
            submission.reason ? `“${submission.reason}”` : "",
            submission.progress == null ? "" : `had come ${PROGRESS[submission.progress]}`,
            activeMs === null ? "" : `took ${duration(activeMs)}`,
            guideline === null ? "" : `guidelines version ${guideline}`,
            submittedAt ? clock.format(new Date(submittedAt)) : "",
            state === "extra" ? "submitted after the slot was taken" : "",
        ].filter(Boolean);
    }

    function showCorrection({ correction, refusals }) {
        slot("correction").hidden = !correction;
        if (!correction) return;
        const note = correction.note ? `: “${correction.note}”` : ".";
        slot("correction-text").textContent = `${correction.by} corrected this on ${clock.format(new Date(correction.at))}${note} `
            + "The ratings below are the correction; the labeler's own stand beside them.";
        slot("withdraw").hidden = Boolean(refusals.corrected);
    }

    function showHistory({ return_notes: notes, reviews, state }) {
        const items = [
            ...notes.flatMap(({ note, reply }, index) => [
                historyItem("Returned", note),
                reply ? historyItem("Reply of the labeler", reply)
                    : historyItem("Labeler", index < notes.length - 1 || state !== "returned" ? "submitted again without a reply" : "has not submitted it again yet"),
            ]),
            ...reviews.map(({ by, decision, note, at, self_reviewed: isOwn }) =>
                historyItem(`${by} ${DECISIONS[decision]}${isOwn ? " (self-review)" : ""}, ${clock.format(new Date(at))}`, decision === "returned" ? "" : note)),
        ];
        const details = slot("history");
        details.hidden = !items.length;
        details.open = notes.length > 0; // What was agreed with the labeler is read first.
        slot("history-count").textContent = items.length ? `${reviews.length} ${reviews.length === 1 ? "review" : "reviews"}` : "";
        slot("history-list").replaceChildren(...items);
    }

    return {
        show,
        hide() { panel.hidden = true; },
        toggleHistory() {
            const details = slot("history");
            if (!details.hidden) details.open = !details.open;
        },
    };
}

function firstErrors({ evidence, assignment }) {
    const own = evidence.assignments.find(({ assignment: id }) => id === assignment.id);
    return evidence.first_errors.map(({ source, name, first_error: position }) => {
        const who = SOURCES[source] ?? (name || source);
        const isReviewed = source === "person" && own?.labeler === name;
        return opinion(isReviewed ? "submitted" : who, position === null ? "unknown" : position < 0 ? "no error" : `step ${position + 1}`);
    });
}

const preferenceItem = ({ labeler, ...preference }) =>
    opinion(labeler, describePreference(preference) + (preference.rationale ? `: ${preference.rationale}` : ""));

function opinion(who, what) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "muted";
    name.textContent = `${who} `;
    const answer = document.createElement("b");
    answer.textContent = what;
    item.append(name, answer);
    return item;
}

function badge(text, kind) {
    const item = document.createElement("li");
    item.className = `badge ${kind}`;
    item.textContent = text;
    return item;
}

function historyItem(who, text) {
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = text ? `${who}: ` : who;
    const words = document.createElement("span");
    words.dir = "auto";
    words.textContent = text;
    item.append(name, words);
    return item;
}

function duration(milliseconds) {
    const seconds = Math.round(milliseconds / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
