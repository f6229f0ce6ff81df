/** A copy of the content of one of the page's <template> elements. */
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
