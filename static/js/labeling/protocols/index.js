/**
 * The protocols: what the labeling page needs to know of each. A protocol is a few pure functions over a state, and a view
 * that shows it; drafts, leases, sending and the keyboard are the page's.
 *
 * What the functions share with the server's checks (`apps/labeling/protocols/`) is held together by one table of cases,
 * `tests/labeling/protocol_cases.json`.
 *
 * @typedef {object} Protocol
 * @property {Record<string, {key: string, also?: string, label: string, repeats?: boolean}>} commands
 *   its keys, in addition to those of every protocol
 * @property {(payload: object, answers: import("../sync/answers.js").Answers, options: object) => object} start
 *   the state that continues a draft; `options` are the round's
 * @property {(state: object, answers: object) => object} adopt  take over answers from elsewhere; undo restores the previous ones
 * @property {(state: object) => object} undo                    the state before; the same state when there is none
 * @property {Record<string, (state: object, ...given: any) => ActionResult|null>} actions
 *   what commands and clicks do, null when it cannot be done now. An action `proceed` is what Enter does before the task
 *   can be submitted; `goToMissing` moves the cursor to what is missing
 * @property {(state: object) => Status} statusOf
 * @property {(state: object) => import("../sync/answers.js").Answers} answersOf       what a draft carries
 * @property {(state: object) => import("../sync/answers.js").Answers} [submissionOf]  what a submission carries, where it differs
 * @property {(state: object) => boolean} isBegun
 * @property {(state: object) => string} describeCursor         where the cursor is, in words; may be empty
 * @property {(state: object) => string} greeting               announced when the task is shown
 * @property {(payload: object, act: Function, tools: object) => View} createView  `act(name, ...given)` runs one of `actions`;
 *   `tools.post(path, body)` repeats the request until there is a response, `tools.options` are the round's
 * @property {(payload: object, answers: object) => {text: string, answer: string|null, isOptional?: boolean}[]} conflictRows
 *   one version of the answers, for the dialog that asks which of two to keep; an optional row is left out where both lack it
 *
 * @typedef {{state: object, announcement?: string|null, isQuiet?: boolean}} ActionResult
 *   `announcement` is for screen readers, null where they announce it themselves; `isQuiet`: the labeler did not
 *   act, or is typing, so nothing is announced and nothing moves
 *
 * @typedef {{canSubmit: boolean, message: string, finishReason: string|null, canProceed?: boolean}} Status
 *   `canProceed`: it cannot be submitted yet, but Enter continues
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(state: object, status: Status) => void} paint
 * @property {(state: object, how?: {isSmooth: boolean}) => void} reveal  scroll to the cursor
 * @property {() => void} fit   make formulas that are too wide scroll
 */

const steps = () => import("./steps/protocol.js").then(({ stepsProtocol }) => stepsProtocol);
const branching = () => import("./branching/protocol.js").then(({ branchingProtocol }) => branchingProtocol);
const comparison = () => import("./comparison/protocol.js").then(({ comparisonProtocol }) => comparisonProtocol);

const LOADERS = { first_error: steps, every_step: steps, branching, comparison };

/** Load a protocol by name, with only its own modules. @returns {Promise<Protocol>} */
export const loadProtocol = (name) => LOADERS[name]();
