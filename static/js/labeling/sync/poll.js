/** Ask the server for what a model writes; while it writes for others, ask again a little later. */

const PAUSE_MS = 1_500;
const MOST_TRIES = 20;

export async function askPatiently(post, path, body) {
    for (let tries = 1; ; tries += 1) {
        const answer = await post(path, body);
        if (!answer.busy || tries === MOST_TRIES) return answer;
        await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
}
