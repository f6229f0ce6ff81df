// Runs before the first paint: a theme that somebody chose must not flash the other one.
try {
    const chosen = localStorage.getItem("annotate:theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
    // The browser gives no storage: the system's preference stands.
}
