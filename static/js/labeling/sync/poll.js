/** Requests for texts that a model writes. While the model is busy, the server reports it and the request is repeated. */

const PAUSE_MS = 1_500;
const MAX_ATTEMPTS = 20;

export async function pollWhileBusy(post, path, body) {
    for (let attempt = 1; ; attempt += 1) {
        const response = await post(path, body);
        if (!response.busy || attempt === MAX_ATTEMPTS) return response;
        await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
}
