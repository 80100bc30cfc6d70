// One player for the whole page; what is playing, and what comes next in the playlist.

import { sound } from "./api.js";
import { $, clock, full, relabel, say, trouble } from "./dom.js";

const watching = new Set();
let now = null, queue = [];

export const playing = () => (now && !$("audio").paused ? now.id : null);
/** Calls `f` whenever what is playing changes. */
export const watch = (f) => watching.add(f);
const tell = () => watching.forEach((f) => f(playing()));

export function setUp() {
  const audio = $("audio");
  $("play").addEventListener("click", () => toggle(now));
  $("seek").addEventListener("input", () => { if (audio.duration) audio.currentTime = $("seek").value * audio.duration; });
  audio.addEventListener("timeupdate", place);
  audio.addEventListener("loadedmetadata", place);
  for (const event of ["play", "pause", "emptied"]) audio.addEventListener(event, () => { draw(); tell(); });
  audio.addEventListener("ended", () => { const next = queue.shift(); if (next) start(next); else { draw(); tell(); } });
  audio.addEventListener("error", () => now && audio.getAttribute("src") && trouble(new Error(`${full(now)} can't be played here`)));
}

/** Plays a track, or pauses it when it is playing. */
export function toggle(track) {
  if (!track) return;
  if (now?.id !== track.id) { queue = []; start(track); }
  else if ($("audio").paused) $("audio").play().catch(trouble);
  else $("audio").pause();
}

export function playAll(tracks) {
  queue = tracks.filter((track) => track.audio);
  const first = queue.shift();
  if (first) start(first);
  else trouble(new Error("None of these tracks has a sound file in the library."));
}

function start(track) {
  now = track;
  $("audio").src = sound(track.id);
  $("audio").play().catch((error) => error.name === "AbortError" || trouble(error));
  $("player").hidden = false;
  document.body.classList.add("with-player");
  $("now").textContent = full(track);
  $("now").href = `#${encodeURIComponent(track.id)}`;
  say(`playing ${full(track)}`);
  if ("mediaSession" in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: track.title || track.id, artist: track.artist || "" });
  }
}

function draw() {
  const on = playing() !== null;
  relabel($("play"), on ? "pause" : "play", on ? "Pause" : "Play");
}

function place() {
  const audio = $("audio"), share = audio.duration ? audio.currentTime / audio.duration : 0;
  $("seek").value = share;
  $("seek").style.setProperty("--share", `${share * 100}%`);
  $("seek").setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(audio.duration)}`);
  $("at").textContent = clock(audio.currentTime);
  $("whole-length").textContent = clock(audio.duration);
}
