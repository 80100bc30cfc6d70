// The playlist that is being made: adding, removing, reordering by buttons, keys or dragging; export; kept in this browser.

import { number, playlist, track as known, written } from "./api.js";
import { draw as drawCurve } from "./curve.js";
import { $, button, clock, flags, full, h, say, title, trouble } from "./dom.js";
import { playAll, toggle } from "./player.js";

const KEPT = "recsys.playlist";
let tracks = [], changed = () => {};

export const has = (id) => tracks.some((track) => track.id === id);
export const ids = () => tracks.map((track) => track.id);

export function setUp(hook) {
  changed = hook;
  try { tracks = JSON.parse(localStorage.getItem(KEPT) || "[]"); } catch { tracks = []; }
  $("out").addEventListener("submit", (event) => { event.preventDefault(); save(); });
  $("all").addEventListener("click", () => playAll(tracks));
  $("more").addEventListener("click", goOn);
  $("clear").addEventListener("click", () => { tracks = []; say("playlist cleared"); draw(); $("list").focus(); });
  $("rows").addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key], row = event.target.closest("li");
    if (!step || !event.altKey || !row) return;
    event.preventDefault();
    move(Number(row.dataset.place), step);
  });
  draw();
}

export function add(track) {
  if (has(track.id)) { say(`${full(track)} is in your playlist already`); return; }
  tracks.push(track);
  say(`${full(track)} added, ${tracks.length} in your playlist`);
  draw();
}

function remove(place) {
  const [gone] = tracks.splice(place, 1);
  say(`${full(gone)} removed`);
  draw();
  const next = $("rows").children[Math.min(place, tracks.length - 1)];
  (next?.querySelector("[data-remove]") || $("list")).focus();
}

function move(place, step) {
  const to = place + step;
  if (to < 0 || to >= tracks.length) return;
  tracks.splice(to, 0, ...tracks.splice(place, 1));
  say(`${full(tracks[to])} is now number ${to + 1}`);
  draw();
  const row = $("rows").children[to];
  (row.querySelector(step < 0 ? "[data-up]:not(:disabled)" : "[data-down]:not(:disabled)") || row.querySelector("[data-remove]")).focus();
}

function draw() {
  $("rows").replaceChildren(...tracks.map(row));
  $("empty").hidden = tracks.length > 0;
  $("out").hidden = !tracks.length;
  const seconds = tracks.reduce((sum, track) => sum + (track.duration || 0), 0);
  $("length").textContent = tracks.length ? `${tracks.length} track${tracks.length === 1 ? "" : "s"}, ${clock(seconds)}` : "";
  try { localStorage.setItem(KEPT, JSON.stringify(tracks)); } catch { /* a browser that keeps nothing */ }
  changed();
  curve();
}

async function curve() {
  const wanted = ids();
  const all = await Promise.all(wanted.map((id) => known(id).catch(() => null)));
  if (wanted.join() === ids().join()) drawCurve($("curve"), all.map((one, i) => ({ name: full(tracks[i]), value: (trait) => (one ? number(one, trait) : undefined) })));
}

function row(track, place) {
  const last = tracks.length - 1;
  const made = h("li", { "data-id": track.id, "data-place": place, draggable: "true" },
    track.audio ? button("play", `Play ${full(track)}`, () => toggle(track), { "data-hear": track.id, "data-name": full(track) }) : h("span", { class: "icon" }),
    h("div", { class: "text" }, h("a", { class: "name", href: `#${encodeURIComponent(track.id)}`, draggable: "false" }, title(track)), flags(track),
      h("span", { class: "by" }, track.artist || "")),
    h("span", { class: "clock" }, track.duration ? clock(track.duration) : ""),
    button("up", `Move ${title(track)} up`, () => move(place, -1), { "data-up": true, disabled: place === 0 }),
    button("down", `Move ${title(track)} down`, () => move(place, 1), { "data-down": true, disabled: place === last }),
    button("remove", `Remove ${full(track)}`, () => remove(place), { "data-remove": true }));
  made.addEventListener("dragstart", (event) => { event.dataTransfer.setData("text/plain", String(place)); event.dataTransfer.effectAllowed = "move"; made.classList.add("dragged"); });
  made.addEventListener("dragend", () => made.classList.remove("dragged"));
  made.addEventListener("dragover", (event) => { event.preventDefault(); made.classList.add("over"); });
  made.addEventListener("dragleave", () => made.classList.remove("over"));
  made.addEventListener("drop", (event) => {
    event.preventDefault();
    const from = Number.parseInt(event.dataTransfer.getData("text/plain"), 10);
    if (Number.isInteger(from) && from !== place && tracks[from]) move(from, place - from);
    else made.classList.remove("over");
  });
  return made;
}

/** The server goes on from the last tracks with some that fit. */
async function goOn() {
  try {
    const answer = await playlist({ kind: "radio", seeds: ids().slice(-5), n: Math.min(tracks.length, 5) + 5 });
    const fresh = answer.lists[0].items.map((item) => item.track).filter((track) => !has(track.id)).slice(0, 5);
    tracks.push(...fresh);
    say(`${fresh.length} tracks added`);
    draw();
  } catch (error) { trouble(error); }
}

async function save() {
  const format = $("format").value, name = $("name").value.trim() || "Playlist";
  try {
    const file = URL.createObjectURL(await written({ tracks: ids(), title: name, format }));
    const link = h("a", { href: file, download: `${name.replace(/[^\p{L}\p{N} ._-]/gu, "").trim() || "playlist"}.${format}` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(file), 10000);
    say(`${name} exported`);
  } catch (error) { trouble(error); }
}
