/**
 * A dialogue as the labeler sees it: the path so far as text, the candidates of the open position as cards, and the
 * labeler's own step. It asks the server for candidates: of the open position, and of the likely next one meanwhile.
 */
import { fitFormulas, typeset } from "../../../shared/math.js";
import { askPatiently } from "../../sync/poll.js";
import { describe, isStill, nameOfAnswer, paintThumbs } from "../steps/view.js";
import { clone } from "../../templates.js";
import { best, candidatesOf, choicesOf, isAsking, isChoosable, isEnded, keyOf, offeringAt, openTurn, textAt } from "./state.js";

/** @param {{post: (path: string, body: object) => Promise<object>}} tools  asks until there is an answer */
export function createDialogueView(sheet, act, tools) {
    const element = clone("task-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    describe(sheet.problem, slot);
    const list = slot("candidates");
    const own = createOwn(slot("own"), act);
    const paintPath = createPath(slot("path"));
    const asked = new Set();
    let shown = null;
    let rows = [];

    element.addEventListener("click", (event) => {
        const target = (selector) => event.target.closest(selector);
        const index = rows.indexOf(target(".step"));
        if (target("[data-answer]")) act(target("[data-answer]").dataset.answer, index);
        else if (target("[data-choose]")) act("choose", index);
        else if (target("[data-reopen]")) act("reopen", Number(target("[data-reopen]").dataset.reopen));
        else if (target("[data-act]")) act(target("[data-act]").dataset.act);
        else if (index >= 0 && getSelection().isCollapsed) act("go", index);
    });

    /** One question for each beginning; the answer finds its place by it, also when the labeler is elsewhere. */
    async function ask(choices, goesOn = false) {
        const key = keyOf(choices);
        if (asked.has(key + goesOn)) return;
        asked.add(key + goesOn);
        let answer;
        try {
            answer = await askPatiently(tools.post, `/assignments/${sheet.id}/candidates`, { chosen: choices, goes_on: goesOn });
        } catch (error) {
            answer = { candidates: [], own: 0, ended: false, problem: error.message };
        }
        if (answer.problem) asked.delete(key + goesOn);
        const offering = { ...answer, asked: goesOn };
        // Before the task is laid on the desk, nobody hears `act`.
        sheet.early = { ...sheet.early, [key]: offering };
        act("hear", sheet.id, key, offering);
    }

    function askAhead(walk) {
        const choice = best(walk);
        const likely = candidatesOf(walk).find((one) => one.candidate === choice);
        if (!likely || likely.is_final || openTurn(walk).answers[choice]?.rating !== 1) return;
        const choices = [...choicesOf(walk), { candidate: choice }];
        if (!walk.known[keyOf(choices)]) ask(choices);
    }

    if (!sheet.draft.steps.length && !sheet.steps.length) ask([]);

    return {
        element,
        paint(walk, standing) {
            if (isAsking(walk)) ask(choicesOf(walk), openTurn(walk).goesOn && Boolean(offeringAt(walk)?.ended));
            askAhead(walk);
            const now = candidatesOf(walk);
            if (now !== shown && !(shown?.length === 0 && now.length === 0)) {
                shown = now;
                rows = now.map((one, index) => buildCandidate(one, index, now.length));
                list.replaceChildren(...rows);
                fitFormulas(list);
            }
            paintPath(walk);
            paintNote(slot, walk, standing);
            rows.forEach((row, index) => paintCandidate(row, now[index], walk, index));
            own.paint(walk);
            list.hidden = !now.length;
            paintThumbs(nameOfAnswer(openTurn(walk).answers[now[walk.cursor]?.candidate]), `Rate candidate ${walk.cursor + 1}`, !now.length || walk.writing);
        },
        reveal(walk, { isSmooth = true } = {}) {
            const target = walk.writing ? own.element : rows[walk.cursor] ?? slot("state");
            const focused = document.activeElement;
            if (walk.writing) own.focus();
            else if (!focused || focused === document.body || element.contains(focused)) target.focus({ preventScroll: true });
            target.scrollIntoView({ block: "nearest", behavior: isSmooth && !isStill() ? "smooth" : "instant" });
        },
        fit: () => fitFormulas(element),
    };
}

/** The chosen steps. Those that stay are left alone: they were typeset once. */
function createPath(list) {
    const standing = [];
    return (walk) => {
        const steps = walk.turns.slice(0, -1).map((turn, position) => ({ text: textAt(walk, position), isOwn: turn.chosen === "own" }));
        const same = steps.findIndex((step, index) => step.text !== standing[index]?.text || step.isOwn !== standing[index]?.isOwn);
        const from = same < 0 ? steps.length : same;
        standing.splice(from).forEach(({ row }) => row.remove());
        for (const step of steps.slice(from)) {
            const row = clone("taken-template");
            const number = standing.length + 1;
            row.querySelector(".n").textContent = number;
            typeset(row.querySelector(".step-text"), step.text);
            row.querySelector(".badge").hidden = !step.isOwn;
            const back = row.querySelector("[data-reopen]");
            back.dataset.reopen = number - 1;
            back.setAttribute("aria-label", `Go back to step ${number}`);
            list.append(row);
            fitFormulas(row);
            standing.push({ ...step, row });
        }
        list.hidden = !standing.length;
    };
}

function buildCandidate(one, index, count) {
    const row = clone("step-template");
    typeset(row.querySelector(".step-text"), one.text);
    row.querySelector(".n").textContent = index + 1;
    row.querySelector(".faces").setAttribute("aria-label", `Rating of candidate ${index + 1} of ${count}`);
    row.querySelector("[data-choose]").setAttribute("aria-label", `Go on with candidate ${index + 1}`);
    row.querySelector(".final").hidden = !one.is_final;
    return row;
}

function paintCandidate(row, one, walk, index) {
    const answer = nameOfAnswer(openTurn(walk).answers[one.candidate]);
    const isHere = index === walk.cursor && !walk.writing;
    row.classList.toggle("here", isHere);
    row.classList.toggle("best", best(walk) === one.candidate);
    if (isHere) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    if (answer) row.dataset.rating = answer;
    else delete row.dataset.rating;
    row.querySelector("[data-choose]").hidden = !isChoosable(walk, one.candidate);
    for (const face of row.querySelectorAll(".face")) face.setAttribute("aria-pressed", String(face.dataset.answer === answer));
}

/** The heading of the open position, and what stands in place of candidates. */
function paintNote(slot, walk, standing) {
    const number = walk.turns.length;
    const problem = offeringAt(walk)?.problem ?? "";
    const waits = isAsking(walk);
    slot("title").textContent = isEnded(walk) ? "The answer stands" : `Step ${number}`;
    slot("waiting").hidden = !waits;
    slot("problem").hidden = waits || isEnded(walk) || !problem;
    slot("problem-text").textContent = problem;
    slot("ended").hidden = !isEnded(walk);
    slot("candidates").setAttribute("aria-label", `Candidates for step ${number}`);
    slot("own-open").hidden = !walk.writes || waits || isEnded(walk) || walk.writing;
    slot("own-open").disabled = standing.legal || !/write the step|own step/.test(standing.message);
}

/** The labeler's own step: a text field with its formulas set beneath. */
function createOwn(element, act) {
    const field = element.querySelector("textarea");
    const preview = element.querySelector('[data-slot="preview"]');
    let drawn = null;
    field.addEventListener("input", () => act("typed", field.value));
    field.addEventListener("keydown", (event) => {
        if (event.isComposing) return;
        if (event.key === "Escape") act("leave");
        else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) act("takeOwn");
        else return;
        event.preventDefault();
        event.stopPropagation();
    });
    return {
        element,
        focus: () => document.activeElement === field || field.focus({ preventScroll: true }),
        paint(walk) {
            const { text } = openTurn(walk);
            if (!walk.writing && document.activeElement === field) field.blur();
            element.hidden = !walk.writing;
            if (field.value !== text) field.value = text;
            if (drawn === text) return;
            drawn = text;
            typeset(preview, text);
            preview.parentElement.hidden = !text.trim();
        },
    };
}
