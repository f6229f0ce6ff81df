/** The commands of the labeling page: those that all protocols share, and those of the current protocol. */

const COMMANDS = {
    undo: { key: "u", label: "Undo" },
    submit: { key: "Enter", label: "Submit, and show the next task" },
    skip: { key: "s", label: "Skip the task until no other is left" },
    giveUp: { key: "g", label: "Give up, with a reason" },
    badProblem: { key: "b", label: "Report the problem, with a reason" },
    peek: { key: "p", label: "The whole problem, and back" },
    source: { key: "v", label: "The step as it was written, and back" },
    guidelines: { key: "i", label: "Guidelines" },
    help: { key: "?", label: "Keys" },
};

const CORRECTION = { submit: { key: "Enter", label: "Save the correction" } };

/** What only a labeler does: to write, to choose, to leave a task early. */
const FOR_LABELERS = ["comment", "write", "why", "choose", "giveUp", "badProblem"];

const REVIEW = {
    undo: { key: "u", label: "Undo, or back to the submission that you reviewed last" },
    submit: { key: "Enter", label: "Accept; with other ratings: save them as your correction" },
    returnTask: { key: "r", label: "Return it to its labeler, with a note" },
    skip: { key: "s", also: "n", label: "Go on without a decision" },
    history: { key: "h", label: "Notes, replies and reviews" },
};

/** The commands of a reviewer: those of the labeler, without what only a labeler does. */
export function reviewCommandsOf(protocol) {
    const commands = Object.entries(commandsOf(protocol)).filter(([name]) => !FOR_LABELERS.includes(name) && !(name in REVIEW));
    return { ...Object.fromEntries(commands), ...REVIEW };
}

/**
 * A protocol's own commands come first, and may replace one of every protocol.
 * @param {import("./protocols/index.js").Protocol} protocol
 * @returns {Record<string, import("../shared/keys.js").Command>}
 */
export const commandsOf = (protocol, { isCorrection = false } = {}) =>
    ({ ...protocol.commands, ...COMMANDS, ...protocol.commands, ...(isCorrection ? CORRECTION : {}) });
