/** The bench for solutions whose steps are rated one after the other: `first_error` and `every_step`. */
import { createTaskView, nameOfAnswer, pathOf } from "./view.js";
import { ANSWERS, adopt, moveTo, rate, ratedSteps, standing, start, undo } from "./walk.js";

const keysOf = (sheet) => pathOf(sheet).map(({ position, candidate }) => ({ position, candidate }));
const answers = Object.fromEntries(Object.keys(ANSWERS).map((name) => [name, (walk, index = walk.cursor) => answer(walk, name, index)]));

function answer(walk, name, index) {
    const at = moveTo(walk, index);
    if (at.cursor !== index) return null;
    return { walk: rate(at, ANSWERS[name]), said: `Step ${index + 1} ${name}.` };
}

function go(walk, index) {
    return index < standing(walk).open ? { walk: moveTo(walk, index) } : null;
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
    },
    start: (sheet, said) => start(sheet.protocol, keysOf(sheet), said.steps),
    adopt: (walk, said) => adopt(walk, said.steps ?? []),
    undo,
    acts: {
        ...answers,
        go,
        next: (walk) => go(walk, walk.cursor + 1),
        previous: (walk) => go(walk, walk.cursor - 1),
    },
    standing,
    said: (walk) => ({ steps: ratedSteps(walk) }),
    isBegun: (walk) => walk.past.length > 0 || walk.answers.some(Boolean),
    where: (walk) => `Step ${walk.cursor + 1} of ${walk.steps.length}.`,
    greeting: (walk) => `New task, ${walk.steps.length} steps.`,
    createView: (sheet, act) => createTaskView(sheet, {
        rate: (index, name) => act(name, index),
        select: (index) => act("go", index),
    }),
    rows: (sheet, said) => pathOf(sheet).map((step, index) => {
        const given = said.steps?.find((one) => one.position === step.position);
        return { text: `${index + 1}. ${step.text}`, says: nameOfAnswer(given && { rating: given.rating ?? null, unsure: Boolean(given.unsure) }) };
    }),
};
