// The search field: a combobox whose list is walked with the arrow keys.

import { search } from "./api.js";
import { $, calm, flags, full, h, say, title, trouble } from "./dom.js";

let found = [], at = -1, open = () => {};

export function setUp(chosen) {
  open = chosen;
  const field = $("q");
  field.addEventListener("input", calm(look, 120));
  field.addEventListener("keydown", key);
  field.addEventListener("focus", () => found.length && show());
  field.addEventListener("blur", () => setTimeout(hide, 150));
  addEventListener("keydown", (event) => {
    const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !busy) { event.preventDefault(); field.focus(); }
  });
}

async function look() {
  const words = $("q").value.trim();
  if (!words) { found = []; return hide(); }
  try {
    const answer = await search(words);
    found = answer.items.map((item) => item.track);
    const strange = answer.unknown?.length ? `; unknown: ${answer.unknown.join(", ")}` : "";
    say(found.length ? `${found.length} found${strange}` : `nothing found for ${words}`);
    draw(words, answer.items);
  } catch (error) { trouble(error); }
}

function draw(words, items) {
  at = -1;
  const rows = items.map(({ track, reasons }, place) => h("li", {
    id: `found-${place}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); choose(place); },
  }, h("span", { class: "name" }, title(track), flags(track)), h("span", { class: "by" }, track.artist || reasons?.[0] || "")));
  $("found").replaceChildren(...(rows.length ? rows : [h("li", { class: "none" }, `Nothing is called “${words}”.`)]));
  show();
}

function key(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && found.length) {
    event.preventDefault();
    show();
    mark((at + step + found.length) % found.length);
  } else if (event.key === "Enter" && found.length) {
    event.preventDefault();
    choose(Math.max(at, 0));
  } else if (event.key === "Escape") {
    if ($("found").hidden) $("q").value = "";
    hide();
  }
}

function mark(place) {
  at = place;
  for (const [i, row] of [...$("found").children].entries()) {
    row.setAttribute("aria-selected", String(i === place));
    if (i === place) row.scrollIntoView({ block: "nearest" });
  }
  $("q").setAttribute("aria-activedescendant", `found-${place}`);
}

function choose(place) {
  const track = found[place];
  $("q").value = "";
  found = [];
  hide();
  say(`${full(track)} opened`);
  open(track.id, { focus: true });
}

function show() {
  $("found").hidden = false;
  $("q").setAttribute("aria-expanded", "true");
}

function hide() {
  $("found").hidden = true;
  $("q").setAttribute("aria-expanded", "false");
  $("q").removeAttribute("aria-activedescendant");
}
