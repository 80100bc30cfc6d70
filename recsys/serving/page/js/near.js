// Neighbours with their reasons, and the slider between what a track sounds like and who listens to it.

import { similar } from "./api.js";
import { $, button, calm, flags, full, h, relabel, say, title } from "./dom.js";
import { playing, toggle } from "./player.js";

let shown = [], about = null, hooks;

export function setUp(given) {
  hooks = given;
  $("taste").addEventListener("input", () => { mark(); again(); });
  mark();
}

const again = calm(() => about && ask(), 140);

function mark() {
  const share = Number($("taste").value), field = $("taste");
  field.style.setProperty("--share", `${share * 100}%`);
  field.setAttribute("aria-valuetext", share === 0 ? "only its sound" : share === 1 ? "only who listens"
    : `${Math.round((1 - share) * 100)} % its sound, ${Math.round(share * 100)} % who listens`);
}

export function draw(known) {
  about = known;
  const sounding = known.spaces.includes("sound");
  $("sound-end").textContent = sounding ? "its sound" : "what it is";
  $("taste").disabled = !(known.spaces.includes("collaborative") && (sounding || known.spaces.includes("content")));
  return ask();
}

async function ask() {
  const id = about.track.id;
  $("neighbours").setAttribute("aria-busy", "true");
  try {
    const answer = await similar(id, $("taste").value, about.spaces);
    if (about.track.id !== id) return;
    shown = answer.items;
    $("neighbours").replaceChildren(...(shown.length ? rows(shown) : [h("li", { class: "none" }, "Nothing is known that is near it.")]));
    hooks.shown(shown.map((item) => item.track.id));
    say(`${shown.length} neighbours of ${full(about.track)}`);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("neighbours").replaceChildren(h("li", { class: "none" }, error.message));
    hooks.shown([]);
  } finally { $("neighbours").removeAttribute("aria-busy"); }
}

function rows(items) {
  const best = Math.max(...items.map((item) => item.score || 0), 1e-9);
  return items.map(({ track, score, reasons }) => {
    const bar = h("span", { class: "score", "aria-hidden": "true" });
    bar.style.setProperty("--share", `${Math.max(0, (score || 0) / best) * 100}%`);
    const row = h("li", { "data-id": track.id },
      track.audio ? button("play", `Play ${full(track)}`, () => toggle(track), { "data-hear": track.id, "data-name": full(track) }) : h("span", { class: "icon" }),
      h("div", { class: "text" },
        h("a", { class: "name", href: `#${encodeURIComponent(track.id)}` }, title(track)), flags(track),
        h("span", { class: "by" }, track.artist || ""), h("p", { class: "why" }, reasons.join(" · ")), bar),
      button("add", `Add ${full(track)}`, () => hooks.add(track), { "data-keep": track.id, "data-name": full(track) }));
    row.addEventListener("pointerenter", () => hooks.point(track.id));
    row.addEventListener("pointerleave", () => hooks.point(null));
    return row;
  });
}

/** Buttons of all rows say what pressing them does. */
export function refresh(has) {
  for (const one of document.querySelectorAll("[data-hear]")) {
    const on = playing() === one.dataset.hear;
    relabel(one, on ? "pause" : "play", `${on ? "Pause" : "Play"} ${one.dataset.name}`);
    one.closest("li").classList.toggle("on", on);
  }
  for (const one of document.querySelectorAll("[data-keep]")) {
    const there = has(one.dataset.keep);
    relabel(one, there ? "there" : "add", there ? `${one.dataset.name} is in your playlist` : `Add ${one.dataset.name}`);
  }
}
