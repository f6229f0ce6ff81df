/** The bench for solutions whose steps are rated one after the other: `first_error` and `every_step`. */
import { answer as answerItem, asksMore, errorOf, forgotten, itemsOf, missing, saidOf, startAftermath } from "./followup.js";
import { createAftermathView } from "./followup-view.js";
import { askPatiently } from "../../sync/poll.js";
import { createTaskView, nameOfAnswer, pathOf } from "./view.js";
import { ANSWERS, adopt, moveTo, rate, ratedSteps, remembering, standing as ofSteps, start, undo } from "./state.js";

const keysOf = (sheet) => pathOf(sheet).map(({ position, candidate }) => ({ position, candidate }));
const answers = Object.fromEntries(Object.keys(ANSWERS).map((name) => [name, (walk, index) => answer(walk, name, index)]));
const moreOf = (sheet, options, said) => ({ id: sheet.id, options, found: {}, place: null, writing: false, extras: startAftermath(options, said, keysOf(sheet)) });

/** The steps, and what the round asks about the bad one. */
function standing(walk) {
    const now = ofSteps(walk);
    const left = walk.extras ? missing(walk, now) : "";
    return left ? { ...now, legal: false, finish: null, message: left } : now;
}

/** Without a step named, the answer is for what the cursor is on: a step, or something about the bad one. */
function answer(walk, name, index) {
    if (index === undefined && walk.place !== null) return about(walk, walk.place, name);
    const at = moveTo(walk, index ?? walk.cursor);
    if (at.cursor !== (index ?? walk.cursor)) return null;
    const said = `Step ${at.cursor + 1} ${name}.`;
    const rated = { ...rate(at, ANSWERS[name]), place: null };
    if (!walk.extras) return { walk: rated, said };
    const error = errorOf(rated, ofSteps(rated));
    const isSame = error === errorOf(walk, ofSteps(walk));
    return { walk: afterError(isSame ? rated : { ...rated, extras: forgotten() }), said };
}

/** Once the error is found, the cursor goes to what is asked about it. */
function afterError(walk) {
    return itemsOf(walk, ofSteps(walk)).length ? { ...walk, place: 0 } : walk;
}

function about(walk, place, name) {
    const items = itemsOf(walk, ofSteps(walk));
    const extras = items[place] && answerItem(walk.extras, items[place], ANSWERS[name]);
    if (!extras) return null;
    return { walk: { ...walk, extras, past: remembering(walk), place: Math.min(place + 1, items.length - 1) }, said: `${name}.` };
}

function go(walk, index) {
    return index < ofSteps(walk).open ? { walk: { ...moveTo(walk, index), place: null, writing: false } } : null;
}

/** Down from the last step that is open leads to what is asked about it, and up from there back. */
function step(walk, by) {
    const items = itemsOf(walk, ofSteps(walk));
    if (walk.place === null) {
        const isLast = walk.cursor === ofSteps(walk).open - 1;
        return by > 0 && isLast && items.length ? { walk: { ...walk, place: 0 } } : go(walk, walk.cursor + by);
    }
    const place = walk.place + by;
    if (place < 0) return { walk: { ...walk, place: null } };
    return place < items.length ? { walk: { ...walk, place } } : null;
}

function write(walk) {
    const place = itemsOf(walk, ofSteps(walk)).findIndex(({ kind }) => kind === "write");
    return place < 0 ? null : { walk: { ...walk, place, writing: true }, said: "Write what is wrong. Escape goes back." };
}

function hear(walk, id, found) {
    if (id !== walk.id) return null;
    const next = { ...walk, found: { ...walk.found, [found.position]: found } };
    if (found.position !== errorOf(walk, ofSteps(walk))) return { walk: next, isQuiet: true };
    return { walk: afterError(next), said: "Now about this step." };
}

/** A Bench, as `benches.js` describes it. */
export const stepsBench = {
    commands: {
        bad: { key: "1", says: "The step is bad" },
        okay: { key: "2", says: "The step is okay" },
        great: { key: "3", says: "The step is great" },
        unsure: { key: "4", says: "I am not sure" },
        next: { key: "j", also: "ArrowDown", says: "Next step", repeats: true },
        previous: { key: "k", also: "ArrowUp", says: "Step before", repeats: true },
        write: { key: "w", says: "Write what is wrong, where the round asks for it" },
    },
    start: (sheet, said, options) => start(sheet.protocol, keysOf(sheet), said.steps, moreOf(sheet, options, said)),
    adopt: (walk, said) => {
        const extras = startAftermath(walk.options, said, walk.steps);
        return { ...walk, ...adopt(walk, said.steps ?? []), place: null, writing: false, extras };
    },
    undo,
    acts: {
        ...answers,
        go,
        next: (walk) => step(walk, 1),
        previous: (walk) => step(walk, -1),
        goItem: (walk, place) => ({ walk: { ...walk, place, writing: false } }),
        answerItem: (walk, place, name) => about(walk, place, name),
        write,
        typed: (walk, text) => ({ walk: { ...walk, extras: { ...walk.extras, text } }, isQuiet: true }),
        leave: (walk) => ({ walk: { ...walk, writing: false }, said: "Back." }),
        hear,
    },
    standing,
    said: (walk) => {
        const more = walk.extras ? saidOf(walk, ofSteps(walk)) : { steps: [] };
        return { ...more, steps: [...ratedSteps(walk), ...more.steps] };
    },
    isBegun: (walk) => walk.past.length > 0 || walk.answers.some(Boolean),
    where: (walk) => walk.place === null
        ? `Step ${walk.cursor + 1} of ${walk.steps.length}.`
        : `About step ${walk.cursor + 1}, ${walk.place + 1} of ${itemsOf(walk, ofSteps(walk)).length}.`,
    greeting: (walk) => `New task, ${walk.steps.length} steps.`,
    createView: (sheet, act, tools) => createTaskView(sheet, {
        rate: (index, name) => act(name, index),
        select: (index) => act("go", index),
    }, asksMore(tools.options) ? (list, rows) => createAftermathView({ list, rows, act, ask: asker(sheet, act, tools) }) : undefined),
    rows: (sheet, said) => pathOf(sheet).map((step, index) => {
        const given = said.steps?.find((one) => one.position === step.position);
        return { text: `${index + 1}. ${step.text}`, says: nameOfAnswer(given && { rating: given.rating ?? null, unsure: Boolean(given.unsure) }) };
    }),
};

/** Ask what the round wants to know of a bad step, once for each. */
function asker(sheet, act, tools) {
    const asked = new Set();
    return async (position) => {
        if (asked.has(position)) return;
        asked.add(position);
        let found;
        try {
            found = await askPatiently(tools.post, `/assignments/${sheet.id}/alternatives`, { position });
        } catch (error) {
            found = { position, alternatives: [], critiques: [], problem: error.message };
        }
        act("hear", sheet.id, found);
    };
}
