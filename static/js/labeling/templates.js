/** A copy of what a <template> of the page holds. */
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
