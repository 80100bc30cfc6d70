// Brings the parts of the page together; the address names the track that is looked at.

import { beginning, keyFrom, places, track as known } from "./api.js";
import { $, full, h, relabel, say, title, trouble } from "./dom.js";
import * as map from "./map.js";
import * as near from "./near.js";
import * as player from "./player.js";
import * as list from "./playlist.js";
import * as search from "./search.js";
import * as look from "./track.js";

const THEMES = [["half", "System colours"], ["sun", "Light"], ["moon", "Dark"]];
let current = null, focusing = false;

const add = (track) => list.add(track);
const open = (id, { focus = false } = {}) => {
  focusing = focus;
  if (decodeURIComponent(location.hash.slice(1)) === id) show();
  else location.hash = encodeURIComponent(id);
};
const with_ = (f) => async (id) => { try { f((await known(id)).track); } catch (error) { trouble(error); } };

async function show() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return welcome();
  try {
    current = await known(id);
    look.draw(current, { add, has: list.has });
    document.title = `${full(current.track)} · recsys`;
    document.body.classList.remove("empty");
    map.look(id);
    if (focusing) $("track").focus({ preventScroll: false });
    focusing = false;
    await near.draw(current);
  } catch (error) { trouble(error); if (!current) welcome(); }
}

/** The first screen: a few tracks to begin with. */
async function welcome() {
  document.body.classList.add("empty");
  document.title = "recsys: listen";
  const home = h("div", { class: "welcome" },
    h("h1", { id: "title" }, "Where shall we begin?"),
    h("p", { class: "note" }, "Search for a track, pick a dot on the map, or take one of these."));
  $("track").replaceChildren(home);
  $("neighbours").replaceChildren();
  await drawn;
  const some = map.beginnings(6);
  const starts = some.length ? some : (await beginning(6).catch(() => ({ items: [] }))).items;
  home.append(h("ul", { class: "starts" }, starts.map((one) => h("li", {},
    h("a", { href: `#${encodeURIComponent(one.id)}` }, h("span", { class: "name" }, title(one)),
      h("span", { class: "by" }, [one.artist, [].concat(one.genre || [])[0]].filter(Boolean).join(" · ")))))));
}

function refresh() {
  near.refresh(list.has);
  if (current) { look.hearing(current.track); look.keeping(current.track.id, list.has); }
  map.list(list.ids());
}

function theme() {
  let at = 0;
  try { at = Number(localStorage.getItem("recsys.theme")) || 0; } catch { at = 0; }
  const set = () => {
    const [name, label] = THEMES[at];
    relabel($("theme"), name, `Colours: ${label}`);
    if (at) document.documentElement.dataset.theme = at === 1 ? "light" : "dark";
    else delete document.documentElement.dataset.theme;
    map.colours();
  };
  $("theme").addEventListener("click", () => {
    at = (at + 1) % THEMES.length;
    try { localStorage.setItem("recsys.theme", String(at)); } catch { /* nothing is kept */ }
    set();
    say(THEMES[at][1]);
  });
  set();
}

/** Asks for the server's key. */
function askKey() {
  return new Promise((answer) => {
    $("key").value = "";
    $("locked").addEventListener("close", () => answer($("key").value || null), { once: true });
    $("locked").showModal();
  });
}

keyFrom(askKey);
map.setUp({ open, hear: with_(player.toggle), add: with_(add) });
theme();
search.setUp(open);
player.setUp();
player.watch(refresh);
near.setUp({ add, point: map.hint, shown: (ids) => { map.neighbours(ids); refresh(); } });
list.setUp(refresh);
addEventListener("hashchange", show);
document.querySelectorAll(".jump a, .skip").forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault();
  const part = document.querySelector(link.getAttribute("href"));
  part.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  part.focus({ preventScroll: true });
}));
const drawn = places().then(map.load).then(() => current && map.look(current.track.id))
  .catch(() => { $("map").hidden = true; });  // a bundle without vectors has no map
show().finally(() => { document.documentElement.dataset.ready = Math.round(performance.now()); });
