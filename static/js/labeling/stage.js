/**
 * Where tasks stand. One place is in view; in the other the next task is laid out with its formulas and fonts, out of sight and
 * out of reach. To show what is laid out, the two places change roles: an element that moves to another place would be laid out
 * again, which takes longer than all else that Enter does.
 */
const CURRENT = "task";
const BEHIND = "prerender";

const byId = (id) => document.getElementById(id);

/** The place in view. */
export const current = () => byId(CURRENT);

/** Lay the element out, out of sight. */
export function prepare(element) {
    byId(BEHIND).replaceChildren(element);
}

/** Show the element in place of the current one, which leaves the page. */
export function show(element) {
    const [place, behind] = [byId(CURRENT), byId(BEHIND)];
    if (element.parentElement !== behind) return place.replaceChildren(element);
    place.replaceChildren();
    behind.setAttribute("aria-busy", place.getAttribute("aria-busy"));
    place.removeAttribute("aria-busy");
    [place.inert, behind.inert] = [true, false];
    [place.id, behind.id] = [BEHIND, CURRENT];
    return undefined;
}
