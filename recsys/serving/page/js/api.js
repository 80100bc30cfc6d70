// Questions to the API under this address. A newer question of a kind gives up the one before it.

const asked = new Map(), known = new Map();

async function ask(path, { kind = path, body } = {}) {
  asked.get(kind)?.abort();
  const stop = new AbortController();
  asked.set(kind, stop);
  const options = { signal: stop.signal, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer; is it still running?");
  } finally {
    if (asked.get(kind) === stop) asked.delete(kind);
  }
  if (!answer.ok) throw await problem(answer);
  return answer;
}

async function problem(answer) {
  try {
    const told = await answer.json();
    return new Error(told.detail || told.title || `The server says ${answer.status}`);
  } catch {
    return new Error(`The server says ${answer.status}`);
  }
}

const json = async (...given) => (await ask(...given)).json();
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined));
const at = (id) => encodeURIComponent(id);

export const search = (q, n = 8) => json(`/search?${query({ q, n })}`, { kind: "search" });
export const places = () => json("/map");
export const sound = (id) => `/tracks/${at(id)}/audio`;

/** Everything known about a track; asked for once. */
export function track(id) {
  if (!known.has(id)) {
    const coming = json(`/tracks/${at(id)}`);
    coming.catch(() => known.delete(id));
    known.set(id, coming);
  }
  return known.get(id);
}

/** Neighbours; `taste` 0 is by what a track is, 1 by who listens. With sound, the slider's other end is sound. */
export function similar(id, taste, spaces, n = 12) {
  const share = Number(taste), both = spaces.includes("sound") && spaces.includes("collaborative");
  const blend = both ? `taste:${share.toFixed(2)},sound:${(1 - share).toFixed(2)}` : undefined;
  return json(`/similar/${at(id)}?${query({ n, blend, taste: both ? undefined : share })}`, { kind: "similar" });
}

export const playlist = (body) => json("/playlist", { kind: "playlist", body });
export const written = async (body) => (await ask("/export", { kind: "export", body })).blob();
