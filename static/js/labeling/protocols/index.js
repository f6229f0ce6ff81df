/**
 * The benches: for each protocol, what the labeler's desk needs to know of it. A bench is a few pure functions over
 * a value, the walk, and a view that shows it; drafts, leases, sending and the keyboard are the desk's.
 *
 * @typedef {object} Bench
 * @property {Record<string, {key: string, also?: string, says: string, repeats?: boolean}>} commands  its keys, beside those of every bench
 * @property {(sheet: object, said: import("../sync/answers.js").Said, options: object) => object} start
 *   the walk that goes on from a draft; `options` are the round's
 * @property {(walk: object, said: object) => object} adopt    take over what was said elsewhere; undo brings the own back
 * @property {(walk: object) => object} undo                   the walk before; the same walk when there is none
 * @property {Record<string, (walk: object, ...given: any) => {walk: object, said?: string, isQuiet?: boolean}|null>} acts
 *   what commands and clicks do, null when it cannot be done now; `said` is for screen readers, null to say nothing; `isQuiet`: nobody acted,
 *   or they type: nothing is said and nothing moves. An act `proceed` is what Enter does before the walk may be handed in
 * @property {(walk: object) => {legal: boolean, message: string, finish: string|null, proceeds?: boolean}} standing
 *   `proceeds`: it may not be handed in yet, but Enter goes on
 * @property {(walk: object) => import("../sync/answers.js").Said} said  what draft and submission carry
 * @property {(walk: object) => import("../sync/answers.js").Said} [handsIn]  what a submission carries, where that is not what a draft does
 * @property {(walk: object) => boolean} isBegun
 * @property {(walk: object) => string} where                  the place of the cursor, in words; empty when there is none
 * @property {(walk: object) => string} greeting               said when the task is laid on the desk
 * @property {(sheet: object, act: Function, tools: object) => View} createView  `act(name, ...given)` runs one of `acts`;
 *   `tools.post(path, body)` asks the server until it answers, `tools.options` are the round's
 * @property {(sheet: object, said: object) => {text: string, says: string|null}[]} rows  for the question which version stands
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(walk: object, standing: object) => void} paint
 * @property {(walk: object, how?: {isSmooth: boolean}) => void} reveal  bring what is at hand into view
 * @property {() => void} fit   formulas that do not fit get room to scroll
 */

const steps = () => import("./steps/protocol.js").then(({ stepsBench }) => stepsBench);
const comparison = () => import("./comparison/protocol.js").then(({ comparisonBench }) => comparisonBench);

const branching = () => import("./branching/protocol.js").then(({ branchingBench }) => branchingBench);

const BENCHES = { first_error: steps, every_step: steps, branching, comparison };

/** The bench of a protocol; only its own modules are loaded. @returns {Promise<Bench>} */
export const benchFor = (protocol) => BENCHES[protocol]();
