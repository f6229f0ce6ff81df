/** The JSON API as seen from a page: session cookie, CSRF token, one kind of error. */

const PATIENCE_MS = 20_000;
// Browsers let 64 KiB in all outlive their page.
const LONGEST_KEPT_ALIVE = 50_000;

/** The server's answer was no. `passing` says that the same request may succeed later. */
export class ApiError extends Error {
    constructor(status, body) {
        super(body?.error?.message ?? `The server answered ${status}.`);
        this.name = "ApiError";
        this.status = status;
        this.code = body?.error?.code ?? "";
        this.fields = body?.error?.fields ?? {};
        this.body = body;
        this.passing = status >= 500 || status === 429 || status === 408;
    }
}

/** There was no answer: no network, or nobody there. */
export class Unreachable extends Error {
    constructor(cause) {
        super("The server cannot be reached.", { cause });
        this.name = "Unreachable";
        this.passing = true;
    }
}

/** Read at each request: the token changes with every sign-in, also one in another tab. */
export function csrfToken(cookies = document.cookie) {
    return cookies.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

/**
 * @param {string} base  where the API starts, for example "/api/v1"
 * @returns {{get: Function, post: Function, put: Function, serverNow: () => number}}
 */
export function createApi(base, { fetcher = (...call) => fetch(...call) } = {}) {
    let ahead = 0; // The server's clock minus ours, in milliseconds: leases end by the server's.

    async function send(method, path, body = {}, { keepalive = false } = {}) {
        const sent = method === "GET" ? undefined : JSON.stringify(body);
        let answer;
        try {
            answer = await fetcher(base + path, {
                method,
                keepalive: keepalive && (sent?.length ?? 0) < LONGEST_KEPT_ALIVE,
                credentials: "same-origin",
                redirect: "error",
                headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
                body: sent,
                signal: AbortSignal.timeout(PATIENCE_MS),
            });
        } catch (cause) {
            throw new Unreachable(cause);
        }
        const date = Date.parse(answer.headers.get("Date") ?? "");
        if (date) ahead = date - Date.now();
        return read(answer);
    }

    return {
        get: (path) => send("GET", path),
        post: (path, body, options) => send("POST", path, body, options),
        put: (path, body, options) => send("PUT", path, body, options),
        serverNow: () => Date.now() + ahead,
    };
}

async function read(answer) {
    let body = null;
    try {
        const text = await answer.text();
        body = text ? JSON.parse(text) : null;
    } catch (cause) {
        // A page instead of data (a proxy's error, a captive portal), or a connection that broke half-way.
        if (answer.ok) throw new Unreachable(cause);
    }
    if (!answer.ok) throw new ApiError(answer.status, body);
    return body;
}
