/** Messages between a person's tabs: which assignments they hold, what is rated there, and when the person signs in again. */

/**
 * @param {string} user
 * @param {{draft: Function, submitted: Function, signedIn: Function}} on  handlers for the other tabs' messages
 */
export function createTabSync(user, on, Channel = globalThis.BroadcastChannel) {
    if (!Channel) return { send() {}, hold() {}, leave() {}, isHeldElsewhere: () => false };
    const tabId = `${Date.now()}-${Math.random()}`;
    const heldByTab = new Map();
    let heldIds = [];
    const ownChannel = new Channel(`annotate:${user}`);
    const siteChannel = new Channel("annotate");
    const send = (kind, message = {}) => ownChannel.postMessage({ ...message, kind, tab: tabId });

    const handlers = {
        hello: () => send("holding", { ids: heldIds }),
        holding: ({ tab, ids }) => heldByTab.set(tab, ids),
        leaving: ({ tab }) => heldByTab.delete(tab),
        draft: on.draft,
        submitted: on.submitted,
    };
    ownChannel.onmessage = ({ data }) => handlers[data.kind]?.(data);
    siteChannel.onmessage = ({ data }) => data.kind === "signed-in" && on.signedIn();
    send("hello");

    return {
        send,
        /** Announce the assignments that this tab holds: another tab that closes must not release them. */
        hold(ids) {
            heldIds = ids;
            send("holding", { ids });
        },
        leave: () => send("leaving"),
        isHeldElsewhere: (id) => [...heldByTab.values()].some((ids) => ids.includes(id)),
    };
}
