/** The same person's other tabs: which tasks they show, what is rated there, when somebody signs in again. */

/**
 * @param {string} user
 * @param {{draft: Function, submitted: Function, signedIn: Function}} on  what to do with the others' news
 */
export function createTabs(user, on, Channel = globalThis.BroadcastChannel) {
    if (!Channel) return { tell() {}, hold() {}, leave() {}, areElsewhere: () => false };
    const me = `${Date.now()}-${Math.random()}`;
    const others = new Map();
    let holding = [];
    const work = new Channel(`annotate:${user}`);
    const everybody = new Channel("annotate");
    const tell = (kind, news = {}) => work.postMessage({ ...news, kind, tab: me });

    const answers = {
        hello: () => tell("holding", { ids: holding }),
        holding: ({ tab, ids }) => others.set(tab, ids),
        leaving: ({ tab }) => others.delete(tab),
        draft: on.draft,
        submitted: on.submitted,
    };
    work.onmessage = ({ data }) => answers[data.kind]?.(data);
    everybody.onmessage = ({ data }) => data.kind === "signed-in" && on.signedIn();
    tell("hello");

    return {
        tell,
        /** Say which assignments this tab has in hand: another tab that closes must not give them back. */
        hold(ids) {
            holding = ids;
            tell("holding", { ids });
        },
        leave: () => tell("leaving"),
        areElsewhere: (id) => [...others.values()].some((ids) => ids.includes(id)),
    };
}
