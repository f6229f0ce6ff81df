/** The policy builder: shows only the keys that the chosen format uses. The page works without it, with all keys. */

const builder = document.getElementById("builder");

/** Hide the keys that the format ignores, and the groups without any key left. The server ignores them as well. */
function showKeys() {
    const format = builder.elements.format.value;
    for (const key of builder.querySelectorAll("[data-formats]")) key.hidden = !key.dataset.formats.split(" ").includes(format);
    for (const group of builder.querySelectorAll("[data-policy-group]")) {
        group.hidden = !group.querySelector("[data-formats]:not([hidden])");
    }
}

/** Of a ranked choice, show the selects up to the first that is empty. */
function showRanks() {
    for (const ranked of builder.querySelectorAll("[data-ranked]")) {
        const selects = [...ranked.querySelectorAll("select")];
        const used = selects.findLastIndex((select) => select.value !== "") + 1;
        for (const [rank, select] of selects.entries()) select.hidden = rank > used;
    }
}

builder.addEventListener("change", () => {
    showKeys();
    showRanks();
});
showKeys();
showRanks();
