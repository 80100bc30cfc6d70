// Questions to the API under this address. A newer question of a kind gives up the one before it.

const asked = new Map(), known = new Map(), KEY = "recsys.key";
let key = kept(), unlock = async () => null, unlocking = null;

function kept() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

/** `f` asks a person for the server's key; it is kept until the window is closed. */
export const keyFrom = (f) => { unlock = f; };

async function ask(path, { kind = path, body } = {}) {
  asked.get(kind)?.abort();
  const stop = new AbortController();
  asked.set(kind, stop);
  const options = { signal: stop.signal, headers: { Accept: "application/json" } };
  if (key) options.headers["X-API-Key"] = key;
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
  if (answer.status === 401 && await unlocked()) return ask(path, { kind, body });
  if (!answer.ok) throw await problem(answer);
  return answer;
}

async function unlocked() {
  unlocking ||= unlock(key !== null).finally(() => { unlocking = null; });
  key = await unlocking;
  if (key) try { sessionStorage.setItem(KEY, key); } catch { /* only for now, then */ }
  return Boolean(key);
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
export const beginning = (n) => json(`/tracks?${query({ n })}`);
export const places = () => json("/map");
export const sound = (id) => `/tracks/${at(id)}/audio${key ? `?${query({ apiKey: key })}` : ""}`;

/** Everything known about a track; asked for once. */
export function track(id) {
  if (!known.has(id)) {
    const coming = json(`/tracks/${at(id)}`);
    coming.catch(() => known.delete(id));
    known.set(id, coming);
  }
  return known.get(id);
}

/** A number that is known of a track, heard in it or told by the catalogue; else undefined. */
export function number({ traits, facts }, name) {
  const value = traits?.[name]?.value ?? facts?.[name];
  return Number.isFinite(value) ? value : undefined;
}

/** Neighbours; `taste` 0 is by what a track is, 1 by who listens. With sound, the slider's other end is sound. */
export function similar(id, taste, spaces, n = 12) {
  const share = Number(taste), both = spaces.includes("sound") && spaces.includes("collaborative");
  const blend = both ? `taste:${share.toFixed(2)},sound:${(1 - share).toFixed(2)}` : undefined;
  return json(`/similar/${at(id)}?${query({ n, blend, taste: both ? undefined : share })}`, { kind: "similar" });
}

export const playlist = (body) => json("/playlist", { kind: "playlist", body });
export const written = async (body) => (await ask("/export", { kind: "export", body })).blob();
