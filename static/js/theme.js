// Runs before the first paint, so that the chosen theme does not flash the other one.
try {
    const chosen = localStorage.getItem("annotate:theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
    // The browser has no storage: the system's preference applies.
}
