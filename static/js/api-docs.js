/** The page of the API: Swagger UI on the project's own OpenAPI document. */
import { csrfToken } from "./shared/api.js";

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

/** Swagger UI has a dark look of its own, which follows a class on the root. */
function setScheme() {
    const scheme = root.dataset.theme ?? (system.matches ? "dark" : "light");
    root.classList.toggle("dark-mode", scheme === "dark");
}

/** A request without a token is one of the session, which needs the CSRF token to write. */
function withCsrfToken(request) {
    const isOwn = new URL(request.url, location.href).origin === location.origin;
    const writes = (request.method ?? "GET") !== "GET";
    if (isOwn && writes && !request.headers.Authorization) request.headers["X-CSRFToken"] = csrfToken();
    return request;
}

setScheme();
system.addEventListener("change", setScheme);
new MutationObserver(setScheme).observe(root, { attributeFilter: ["data-theme"] });

const place = document.getElementById("api-docs");
window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.schema,
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    filter: true,
    tagsSorter: "alpha",
    requestInterceptor: withCsrfToken,
    validatorUrl: null, // The document is not sent to a service elsewhere.
});
