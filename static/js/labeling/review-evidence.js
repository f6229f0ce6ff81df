/** What is known of each step, below its text: the opinions of people, models and gold, and what they remark. */
import { showText } from "../shared/texts.js";

const WORDS = { "-1": "bad", 0: "okay", 1: "great" };
const LONG_REASON = 160;

export const isOfSteps = (protocol) => ["first_error", "every_step"].includes(protocol);

/** The view of a task, with evidence on its rows; `opened` is the assignment as the API returns it to reviewers. */
export function withEvidence(view, opened) {
    for (const field of view.element.querySelectorAll("textarea")) field.readOnly = Boolean(opened.refusals.corrected);
    const path = (opened.evidence?.steps ?? []).filter(({ chosen }) => chosen);
    const rows = rowsOf(view.element, opened.assignment.protocol);
    rows.forEach((row, index) => path[index] && row.append(evidenceOn(path[index], opened)));
    return view;
}

/**
 * The index of the step at which a reviewer begins: the first on which gold, people or models differ from the submission on
 * whether it is bad, else its bad step, else the first.
 */
export function startingStep({ evidence, assignment }, answers) {
    const path = (evidence?.steps ?? []).filter(({ chosen }) => chosen);
    const own = new Map((answers.steps ?? []).map(({ position, rating }) => [position, rating]));
    const isReviewed = (index) => evidence.assignments[index]?.assignment === assignment.id;
    const badness = ({ gold, people, judges }) => [
        gold, ...people.filter(({ counted }, index) => counted && !isReviewed(index)).map(({ rating }) => rating), ...judges.map(({ rating }) => rating),
    ].filter((rating) => rating !== null).map((rating) => rating === -1);
    const contested = path.findIndex((step) => own.get(step.position) != null && badness(step).some((isBad) => isBad !== (own.get(step.position) === -1)));
    return Math.max(0, contested >= 0 ? contested : path.findIndex(({ position }) => own.get(position) === -1));
}

/** Those of the solution's own steps; the candidates of a branching task come and go, so nothing stands on them. */
const rowsOf = (element, protocol) => isOfSteps(protocol) ? [...element.querySelectorAll(".steps > .step")] : [];

function evidenceOn(step, opened) {
    const element = document.createElement("div");
    element.className = "evidence-of-step small";
    const opinions = document.createElement("ul");
    opinions.className = "opinions";
    opinions.setAttribute("role", "list");
    opinions.append(...opinionsOn(step, opened).map(opinionItem));
    element.append(opinions, ...remarksOn(step, opened).map(remark));
    return element;
}

/** @returns {{who: string, what: string, rating: string|null, note?: string}[]} */
function opinionsOn(step, opened) {
    const assignments = opened.evidence.assignments;
    const people = step.people.map((given, index) => ({ ...given, isReviewed: assignments[index]?.assignment === opened.assignment.id }));
    return [
        ...(step.gold === null ? [] : [{ who: "gold", what: WORDS[step.gold], rating: WORDS[step.gold] }]),
        ...(step.consensus ? [{ who: step.consensus.how === "adjudicated" ? "adjudicated" : "consensus", what: WORDS[step.consensus.rating], rating: WORDS[step.consensus.rating] }] : []),
        ...people.filter(({ reached }) => reached).map((given) => ({
            who: given.isReviewed ? "submitted" : given.labeler,
            what: given.unsure ? "unsure" : WORDS[given.rating] ?? "not rated",
            rating: given.unsure ? "unsure" : WORDS[given.rating] ?? null,
            note: given.counted ? "" : "does not count",
        })),
        ...step.monte_carlo.filter(({ rollouts, hard }) => rollouts || hard !== null).map(({ run, rollouts, successes, hard }) => ({
            who: step.monte_carlo.length > 1 ? `Monte Carlo, run ${run}` : "Monte Carlo",
            what: rollouts ? `${successes} of ${rollouts}` : hard ? "good" : "bad",
            rating: (rollouts ? successes > 0 : hard) ? "great" : "bad",
        })),
        ...step.judges.map(({ judge, version, rating, confidence }) => ({
            who: `${judge} v${version}`, what: WORDS[rating] + (confidence === null ? "" : ` ${Math.round(100 * confidence)} %`), rating: WORDS[rating],
        })),
        ...step.scores.map(({ model, score }) => ({ who: model, what: score.toFixed(2), rating: null })),
    ];
}

function opinionItem({ who, what, rating, note = "" }) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "muted";
    name.textContent = `${who} `;
    const answer = document.createElement("b");
    answer.textContent = what;
    if (rating) answer.className = `opinion ${rating}`;
    item.append(name, answer);
    if (note) item.append(` (${note})`);
    return item;
}

/** @returns {{who: string, text: string}[]} */
function remarksOn(step, { evidence }) {
    return [
        ...step.people.filter(({ comment }) => comment).map(({ labeler, comment }) => ({ who: labeler, text: comment })),
        ...(step.gold_explanation ? [{ who: "Gold", text: step.gold_explanation }] : []),
        ...step.judges.filter(({ reason }) => reason).map(({ judge, reason }) => ({ who: judge, text: reason })),
        ...step.critiques.map((text) => ({ who: "Critique", text })),
        ...alternativesOn(step, evidence),
    ];
}

/** What labelers rated beside the bad step. */
function alternativesOn({ position }, { steps }) {
    const others = steps.filter((other) => other.position === position && !other.chosen && other.people.some(({ reached }) => reached));
    return others.map(({ people, text }) => {
        const ratings = people.filter(({ reached }) => reached).map(({ labeler, rating, unsure }) => `${labeler}: ${unsure ? "unsure" : WORDS[rating] ?? "not rated"}`);
        return { who: `Alternative (${ratings.join(", ")})`, text };
    });
}

function remark({ who, text }) {
    const isLong = text.length > LONG_REASON;
    const element = document.createElement(isLong ? "details" : "p");
    element.className = "remark";
    const name = document.createElement("b");
    name.textContent = `${who} `;
    const words = document.createElement("span");
    words.dir = "auto";
    showText(words, text);
    if (!isLong) {
        element.append(name, words);
        return element;
    }
    const summary = document.createElement("summary");
    summary.append(name, `${text.slice(0, 80).trimEnd()}…`);
    element.append(summary, words);
    // The row itself would take the cursor.
    summary.addEventListener("click", (event) => event.stopPropagation());
    return element;
}
