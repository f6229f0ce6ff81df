/**
 * Runs the cases of protocol_cases.json on the labeling page's protocols, without a browser, and prints the results as JSON:
 * for each case whether it can be submitted, what may be answered next, and what the page would send.
 */
import { readFileSync } from "node:fs";
import { loadProtocol } from "../../static/js/labeling/protocols/index.js";
import { PLACES } from "../../static/js/labeling/protocols/comparison/state.js";
import { choose, type } from "../../static/js/labeling/protocols/branching/state.js";

const ID = 1;
const { tasks, cases } = JSON.parse(readFileSync(new URL("protocol_cases.json", import.meta.url), "utf8"));
const candidatesOf = (texts) => texts.map((text, candidate) => ({ candidate, text }));

/** Steps in order: one candidate at each position, and the server's questions about each bad step. */
const steps = {
    payload: (task) => ({ steps: task.path.map((text, position) => ({ position, candidates: candidatesOf([text]) })) }),
    prepare(state, protocol, task) {
        const questions = task.path.map((_, position) => ({
            position,
            alternatives: !state.options.alternatives ? [] : candidatesOf(["", ...task.alternatives?.[position] ?? []]).slice(1),
            critiques: !state.options.critiques ? [] : (task.critiques?.[position] ?? []).map((id) => ({ id, text: "" })),
            problem: "",
        }));
        return questions.reduce((next, asked) => protocol.actions.receiveQuestions(next, ID, asked).state, state);
    },
    allowed: (state, protocol) => state.steps.map((_, index) => index).filter((index) => protocol.actions.great(state, index)),
};

/** Candidates that depend on the steps chosen before, as far as the draft has come. */
const branching = {
    payload(task, answers) {
        const prefix = [];
        const sets = [];
        for (;;) {
            const position = prefix.length;
            const ended = task.final.includes(prefix.at(-1));
            const texts = task.candidates.find(({ after }) => after.join() === prefix.join())?.texts ?? [];
            const candidates = candidatesOf(texts).map((candidate) => ({ ...candidate, is_final: task.final.includes(candidate.text) }));
            sets.push({ position, candidates, own: candidates.length, ended, problem: "" });
            const chosen = answers.steps.find((step) => step.position === position && step.chosen);
            if (!chosen) return { steps: sets };
            prefix.push(chosen.text ?? texts[chosen.candidate]);
        }
    },
    prepare: (state) => state,
    allowed: (state) => [0, 1, "own"].filter((choice) => choose(type(state, choice === "own" ? "So it is." : ""), choice)),
};

const comparison = {
    payload: (task, answers, options) => ({ steps: [], comparison: { of: "solutions", ties: true, rationale: "optional", ...options } }),
    prepare: (state) => state,
    allowed: (state, protocol) => ["left", "right", "tie"].filter((choice) =>
        protocol.actions[Object.keys(PLACES).find((name) => PLACES[name].choice === choice)](state)),
};

const KINDS = { first_error: steps, every_step: steps, branching, comparison };

async function run({ protocol: name, task: taskName, options = {}, answers }) {
    const [protocol, kind, task] = [await loadProtocol(name), KINDS[name], tasks[taskName]];
    const payload = { id: ID, protocol: name, draft: answers, ...kind.payload(task, answers, options) };
    const state = kind.prepare(protocol.start(payload, answers, options), protocol, task);
    const { canSubmit, finishReason, message } = protocol.statusOf(state);
    return {
        can_submit: canSubmit, finish_reason: finishReason, message, allowed: kind.allowed(state, protocol),
        submission: (protocol.submissionOf ?? protocol.answersOf)(state),
    };
}

console.log(JSON.stringify(await Promise.all(cases.map(run))));
