/** The JSON API as a page uses it: session cookie, CSRF token, one kind of error. */

const TIMEOUT_MS = 20_000;
// Browsers limit the requests that outlive their page to 64 KiB in all.
const MAX_KEEPALIVE_LENGTH = 50_000;

/** The server refused. `isTemporary`: the same request may succeed later. */
export class ApiError extends Error {
    constructor(status, body) {
        super(body?.error?.message ?? `The server answered with status ${status}.`);
        this.name = "ApiError";
        this.status = status;
        this.code = body?.error?.code ?? "";
        this.fields = body?.error?.fields ?? {};
        this.body = body;
        this.isTemporary = status >= 500 || status === 429 || status === 408;
    }
}

/** There was no response: the network or the server is unavailable. */
export class Unreachable extends Error {
    constructor(cause) {
        super("The server cannot be reached.", { cause });
        this.name = "Unreachable";
        this.isTemporary = true;
    }
}

/** Read for each request: the token changes with every sign-in, also in another tab. */
export function csrfToken(cookies = document.cookie) {
    return cookies.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

/**
 * @param {string} base  where the API starts, for example "/api/v1"
 * @returns {{get: Function, post: Function, put: Function, serverNow: () => number}}
 */
export function createApi(base, { fetcher = (...call) => fetch(...call) } = {}) {
    let clockOffset = 0; // The server's clock minus ours, in milliseconds: leases end by the server's clock.

    async function send(method, path, data = {}, { keepalive = false } = {}) {
        const body = method === "GET" ? undefined : JSON.stringify(data);
        let response;
        try {
            response = await fetcher(base + path, {
                method,
                keepalive: keepalive && (body?.length ?? 0) < MAX_KEEPALIVE_LENGTH,
                credentials: "same-origin",
                redirect: "error",
                headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
                body,
                signal: AbortSignal.timeout(TIMEOUT_MS),
            });
        } catch (cause) {
            throw new Unreachable(cause);
        }
        const date = Date.parse(response.headers.get("Date") ?? "");
        if (date) clockOffset = date - Date.now();
        return read(response);
    }

    return {
        get: (path) => send("GET", path),
        post: (path, data, options) => send("POST", path, data, options),
        put: (path, data, options) => send("PUT", path, data, options),
        serverNow: () => Date.now() + clockOffset,
    };
}

async function read(response) {
    let body = null;
    try {
        const text = await response.text();
        body = text ? JSON.parse(text) : null;
    } catch (cause) {
        // A page instead of data (a proxy's error, a captive portal), or a connection that broke midway.
        if (response.ok) throw new Unreachable(cause);
    }
    if (!response.ok) throw new ApiError(response.status, body);
    return body;
}
