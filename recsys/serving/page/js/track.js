// The track that is looked at: its names, traits as bars, labels, flags, other tracks it belongs to.

import { number } from "./api.js";
import { $, button, clock, flags, full, h, icon, relabel, title } from "./dom.js";
import { playing, toggle } from "./player.js";

const SHARES = ["energy", "danceability", "acousticness", "instrumentalness", "valence", "arousal", "brightness"];
const FACTS = { tempo: (v) => `${Math.round(v)} BPM`, loudness: (v) => `${v.toFixed(1).replace("-", "−")} LUFS` };

export function draw(known, { add, has }) {
  const { track } = known, home = $("track");
  home.replaceChildren(
    h("div", { class: "act" }, track.audio ? h("button", { id: "hear", type: "button", class: "round big" }) : "",
      button(has(track.id) ? "there" : "add", has(track.id) ? "In your playlist" : "Add to your playlist", () => add(track), { id: "keep", class: "icon big" })),
    h("div", { class: "names" },
      h("p", { class: "kind" }, (track.genre || []).slice(0, 3).join(" · ") || "Track"),
      h("h1", { id: "title" }, title(track), flags(track)),
      h("p", { class: "artist" }, track.artist || "", track.album ? h("span", { class: "album" }, `, ${track.album}`) : "")),
    h("p", { class: "note" }, line(known)),
    h("div", { class: "traits" }, bars(known.traits)),
    labels(known), relations(known));
  $("hear")?.addEventListener("click", () => toggle(track));
  hearing(track);
}

/** The big button says what pressing it does. */
export function hearing(track) {
  const on = playing() === track.id;
  if ($("hear")) relabel($("hear"), on ? "pause" : "play", `${on ? "Pause" : "Play"} ${full(track)}`);
}

export function keeping(id, has) {
  if ($("keep")) relabel($("keep"), has(id) ? "there" : "add", has(id) ? "In your playlist" : "Add to your playlist");
}

function line(known) {
  const { track, facts, listeners } = known;
  const found = [
    facts.year && String(Math.round(facts.year)), track.duration && clock(track.duration),
    ...Object.entries(FACTS).map(([name, told]) => (number(known, name) === undefined ? null : told(number(known, name)))),
    [facts.key, facts.camelot && (facts.key ? `(${facts.camelot})` : facts.camelot)].filter(Boolean).join(" "), track.licence,
    track.generated ? "made by a machine" : null,
    listeners ? `${listeners.toLocaleString("en")} listener${listeners === 1 ? "" : "s"}` : "heard by nobody yet",
  ];
  return found.filter(Boolean).map((one) => one.replaceAll("-", "\u2011")).join(" · ");
}

function bars(traits) {
  return SHARES.filter((name) => traits[name]).map((name) => {
    const value = Math.min(1, Math.max(0, traits[name].value));
    const meter = h("span", { class: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": value.toFixed(2), "aria-label": name });
    meter.style.setProperty("--share", `${value * 100}%`);
    return h("div", { class: "trait", title: traits[name].definition || null },
      h("span", {}, name), meter, h("span", { class: "value", "aria-hidden": "true" }, value.toFixed(2)));
  });
}

function labels({ labels: found, facts }) {
  const given = [...(facts.tags || [])], guessed = [];
  for (const { given: said, predicted } of Object.values(found || {})) {
    if (Array.isArray(said)) given.push(...said.filter((one) => typeof one === "string"));
    else if (predicted && typeof predicted === "object") guessed.push(...Object.entries(predicted).slice(0, 3));
  }
  const chips = [
    ...[...new Set(given)].slice(0, 10).map((label) => h("li", {}, label)),
    ...guessed.map(([label, chance]) => h("li", { class: "guess", title: "predicted from the sound" },
      label, h("small", {}, ` ${Math.round(chance * 100)} %`))),
  ];
  return chips.length ? h("ul", { class: "chips", "aria-label": "Labels; those with a percentage are predicted" }, chips) : "";
}

function relations({ relations: found }) {
  const parts = Object.entries(found || {}).filter(([, tracks]) => tracks.length).map(([how, tracks]) =>
    h("p", {}, h("span", { class: "how" }, `${how}: `), ...tracks.slice(0, 4).flatMap((one, i) => [i ? ", " : "",
      h("a", { href: `#${encodeURIComponent(one.id)}` }, title(one))])));
  return parts.length ? h("details", { class: "more" }, h("summary", {}, icon("down"), "Belongs with"), parts) : "";
}
