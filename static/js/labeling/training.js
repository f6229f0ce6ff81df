/** In a training round: the known answer beside the labeler's, once the server has the submission. */
import { showText } from "../shared/texts.js";
import { clone } from "./protocols/view-parts.js";

const WORDS = { "-1": "bad", 0: "okay", 1: "great" };

/**
 * @param {object} needs
 * @param {ReturnType<import("./panels.js").createPanels>} needs.panels
 * @param {Function} needs.goOn  show the next task
 */
export function createTraining({ api, connection, page, panels, goOn }) {
    return {
        /** Show the answer of a submitted task, while it is waited for. Returns whether it is shown; a notice says why not. */
        async show(payload, isWaiting) {
            try {
                const answer = await connection.run(() => api.get(`/assignments/${payload.id}/answer`));
                if (!isWaiting()) return false;
                const element = build(payload, answer);
                panels.show(element, goOn);
                page.announce(element.querySelector("h2").textContent);
                return true;
            } catch (error) {
                // A rejected submission has a notice of its own.
                if (error.code !== "not_submitted") page.notice(`The answer of your last task cannot be shown: ${error.message}`);
                return false;
            }
        },
    };
}

function build(payload, { steps, first_errors: firstErrors, is_right: isRight }) {
    const element = clone("training-template");
    const slot = (name) => element.querySelector(`[data-slot="${name}"]`);
    const answers = new Map(steps.map((step) => [step.position, step]));
    const differs = isRight === false || steps.some((step) => step.is_right === false);
    const own = steps.find((step) => step.rating === -1);
    slot("title").textContent = differs ? "Your answer differs" : "You agree with the answer";
    slot("lead").textContent = [knownError(firstErrors), own ? `You rated step ${own.position + 1} as bad.` : "You rated no step as bad."]
        .filter(Boolean).join(" ");
    showText(slot("statement"), payload.problem.statement);
    slot("steps").append(...payload.steps.map((step) => buildStep(step, answers.get(step.position))));
    return element;
}

function knownError(firstErrors) {
    if (!firstErrors.length) return "";
    const names = firstErrors.map((position) => position < 0 ? "none" : `step ${position + 1}`);
    return names.length === 1 && names[0] === "none" ? "No step is bad." : `The first bad step is ${names.join(" or ")}.`;
}

function buildStep({ position, candidates }, answer) {
    const row = clone("training-step-template");
    const find = (selector) => row.querySelector(selector);
    find(".n").textContent = position + 1;
    showText(find(".step-text"), (candidates.find(({ chosen }) => chosen) ?? candidates[0]).text);
    if (!answer) {
        find(".compared").remove();
        return row;
    }
    row.classList.toggle("right", answer.is_right === true);
    row.classList.toggle("wrong", answer.is_right === false || (answer.gold === -1 && answer.rating !== -1));
    find(".given").textContent = `You: ${answer.unsure ? "unsure" : WORDS[answer.rating] ?? "not rated"}.`;
    find(".known").textContent = answer.gold === null ? "Answer: none for this step." : `Answer: ${WORDS[answer.gold]}.`;
    if (answer.explanation) {
        find(".explanation").hidden = false;
        showText(find(".explanation"), answer.explanation);
    }
    return row;
}
