// The catalogue in two dimensions, to wander: drag or two fingers move, wheel or pinch comes closer, arrows go track by track.

import { $, full, say, still, title } from "./dom.js";
import { spread } from "./room.js";

const NEAREST = 14, MOST_NAMES = 60, CLOSEST = 60;
let points = [], byId = new Map(), regions = [], hooks, canvas, pen, wide = 0, tall = 0;
let view = { x: 0, y: 0, scale: 1 }, at = null, pointed = null, near = new Set(), kept = new Set(), ink = {}, waiting = 0;

export function setUp(given) {
  hooks = given;
  canvas = $("sheet");
  pen = canvas.getContext("2d");
  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colours);
  $("closer").addEventListener("click", () => zoom(1.6));
  $("farther").addEventListener("click", () => zoom(1 / 1.6));
  $("whole").addEventListener("click", whole);
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY * 0.0016), event.offsetX, event.offsetY); }, { passive: false });
  canvas.addEventListener("keydown", key);
  canvas.addEventListener("focus", () => { if (!pointed) point(at || nearest(wide / 2, tall / 2, Infinity)); });
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("dblclick", (event) => zoom(1.8, event.offsetX, event.offsetY));
  fingers();
}

/** The places of tracks, x and y in −1 … 1. */
export function load({ points: given, total, sampled }) {
  points = given;
  spread(points);
  byId = new Map(points.map((one) => [one.id, one]));
  regions = named(points);
  $("map-note").textContent = sampled ? `${points.length.toLocaleString("en")} of ${total.toLocaleString("en")} tracks` : `${total.toLocaleString("en")} tracks`;
  colours();
}

/** Some tracks to begin with: one of each of the largest genres, or from all over the map. */
export function beginnings(n) {
  const some = regions.slice(0, n).map((region) => points.filter((one) => one.genre === region.genre)
    .reduce((best, one) => (apart(one, region) < apart(best, region) ? one : best)));
  for (let i = 0; some.length < Math.min(n, points.length) && i < n; i += 1) {
    const one = points[Math.floor((i + 0.5) * points.length / n)];
    if (!some.includes(one)) some.push(one);
  }
  return some;
}

const apart = (a, b) => (a.x - b.x) ** 2 + (a.y - b.y) ** 2;

/** The track that is looked at; the map moves when it is out of sight. */
export function look(id) {
  at = byId.get(id) || null;
  if (at && !within(at)) fly({ x: at.x, y: at.y, scale: view.scale });
  soon();
}

export function neighbours(ids) { near = new Set(ids); soon(); }
export function list(ids) { kept = new Set(ids); soon(); }
export function hint(id) { point(id ? byId.get(id) || null : null, false); }

// ---- what is where -------------------------------------------------------------------------------------------------

const unit = () => (Math.min(wide, tall) / 2 - 18) * view.scale;
const stretch = () => Math.min(1.7, Math.max(1, wide / tall));
const upright = () => Math.min(1.5, Math.max(1, tall / wide));
const left = (one) => wide / 2 + (one.x - view.x) * unit() * stretch();
const top = (one) => tall / 2 - (one.y - view.y) * unit() * upright();
const within = (one) => left(one) > 24 && left(one) < wide - 24 && top(one) > 24 && top(one) < tall - 24;

function nearest(x, y, reach = NEAREST) {
  let found = null, least = reach * reach;
  for (const one of points) {
    const apart = (left(one) - x) ** 2 + (top(one) - y) ** 2;
    if (apart < least) [least, found] = [apart, one];
  }
  return found;
}

/** The next track in a direction: near, and not too far to the side. */
function next(from, dx, dy) {
  let found = null, least = Infinity;
  for (const one of points) {
    if (one === from) continue;
    const a = left(one) - left(from), b = top(one) - top(from);
    const ahead = a * dx + b * dy, aside = Math.abs(a * dy) + Math.abs(b * dx);
    if (ahead > 0.5 && ahead + 2 * aside < least) [least, found] = [ahead + 2 * aside, one];
  }
  return found;
}

/** Names of genres, each above its tracks; the rarest are left out. */
function named(all) {
  const groups = Map.groupBy ? Map.groupBy(all, (one) => one.genre) : grouped(all);
  const middle = (values, share = 0.5) => values.sort((a, b) => a - b)[Math.floor(values.length * share)];
  return [...groups].filter(([genre, some]) => genre && some.length >= Math.max(3, all.length * 0.02))
    .sort((a, b) => b[1].length - a[1].length).slice(0, 24)
    .map(([genre, some]) => ({ genre, x: middle(some.map((one) => one.x)), y: middle(some.map((one) => one.y)), top: middle(some.map((one) => one.y), 0.9), size: some.length }));
}

function grouped(all) {
  const found = new Map();
  for (const one of all) found.set(one.genre, [...(found.get(one.genre) || []), one]);
  return found;
}

// ---- drawing ---------------------------------------------------------------------------------------------------------

export function colours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["dot", "accent", "text", "soft", "sheet"]) ink[name] = style.getPropertyValue(`--${name}`).trim();
  soon();
}

function fit() {
  const sharp = Math.min(devicePixelRatio || 1, 2);
  wide = canvas.clientWidth;
  tall = canvas.clientHeight;
  canvas.width = wide * sharp;
  canvas.height = tall * sharp;
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  draw();
}

function soon() { waiting ||= requestAnimationFrame(draw); }

function draw() {
  waiting = 0;
  if (!wide || !ink.dot) return;
  pen.clearRect(0, 0, wide, tall);
  const size = Math.max(1.6, Math.min(6, 2.6 * Math.sqrt(view.scale) * Math.min(1, 14 / Math.sqrt(Math.sqrt(points.length) + 1))));
  pen.fillStyle = ink.dot;
  for (const one of points) if (!near.has(one.id)) disc(one, size);
  if (at) {
    pen.strokeStyle = ink.accent;
    pen.globalAlpha = 0.35;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const id of near) { const one = byId.get(id); if (one) { pen.moveTo(left(at), top(at)); pen.lineTo(left(one), top(one)); } }
    pen.stroke();
    pen.globalAlpha = 1;
  }
  pen.fillStyle = ink.accent;
  for (const id of near) if (byId.has(id)) disc(byId.get(id), size + 1.2);
  for (const id of kept) if (byId.has(id)) ring(byId.get(id), size + 3.4, 1.5);
  if (at) { disc(at, size + 3); ring(at, size + 7, 2); }
  if (pointed) ring(pointed, size + 5, 1.5, ink.text);
  names(size);
  tag();
}

function disc(one, radius) {
  const x = left(one), y = top(one);
  if (x < -9 || y < -9 || x > wide + 9 || y > tall + 9) return;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}

function ring(one, radius, width, colour = ink.accent) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(left(one), top(one), radius, 0, 7);
  pen.stroke();
}

/** Names that have room: the track, its neighbours, genres from afar, tracks from close by. */
function names(size) {
  const taken = [], font = getComputedStyle(document.body).fontFamily;
  const close = view.scale > 3.5;
  const write = (text, x, y, style, colour) => {
    pen.font = style;
    const half = pen.measureText(text).width / 2, box = [x - half - 4, y - 9, x + half + 4, y + 9];
    if (x < 10 || x > wide - 10 || y < 10 || y > tall - 10) return;
    if (taken.some(([a, b, c, d]) => box[0] < c && a < box[2] && box[1] < d && b < box[3])) return;
    taken.push(box);
    pen.lineWidth = 4;
    pen.strokeStyle = ink.sheet;
    pen.strokeText(text, x, y);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  };
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  if (at) write(short(title(at)), left(at), top(at) - size - 17, `600 13px ${font}`, ink.text);
  if (!close) for (const one of regions) write(one.genre, left(one), top({ y: one.top }) - 14, `600 ${one.size > points.length * 0.1 ? 14 : 12}px ${font}`, ink.soft);
  for (const id of view.scale > 1.3 ? near : []) { const one = byId.get(id); if (one) write(short(title(one)), left(one), top(one) + size + 11, `12px ${font}`, ink.text); }
  if (!close) return;
  let written = 0;
  for (const one of points) {
    if (written > MOST_NAMES) break;
    if (within(one)) { written += 1; write(short(title(one)), left(one), top(one) + size + 11, `12px ${font}`, ink.soft); }
  }
}

const short = (text) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);

function tag() {
  const label = $("map-name");
  label.hidden = !pointed;
  if (!pointed) return;
  label.textContent = full(pointed);
  const room = label.offsetWidth / 2 + 6;
  label.style.left = `${Math.min(Math.max(left(pointed), room), Math.max(room, wide - room))}px`;
  label.style.top = `${Math.max(top(pointed) - 20, 18)}px`;
}

// ---- moving --------------------------------------------------------------------------------------------------------

function zoom(by, x = wide / 2, y = tall / 2) {
  const scale = Math.min(CLOSEST, Math.max(0.8, view.scale * by)), share = 1 - view.scale / scale;
  view.x += ((x - wide / 2) / (unit() * stretch())) * share;
  view.y -= ((y - tall / 2) / (unit() * upright())) * share;
  view.scale = scale;
  soon();
}

function pan(dx, dy) {
  view.x = Math.max(-1.1, Math.min(1.1, view.x - dx / (unit() * stretch())));
  view.y = Math.max(-1.1, Math.min(1.1, view.y + dy / (unit() * upright())));
  soon();
}

function whole() { fly({ x: 0, y: 0, scale: 1 }); }

function fly(to) {
  const from = { ...view }, begun = performance.now();
  if (still()) { view = { ...to }; return soon(); }
  const step = (now) => {
    const t = Math.min(1, (now - begun) / 350), ease = 1 - (1 - t) ** 3;
    for (const name of ["x", "y", "scale"]) view[name] = from[name] + (to[name] - from[name]) * ease;
    draw();
    if (t < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function point(one, aloud = true) {
  if (one === pointed) return;
  pointed = one;
  if (one && aloud && document.activeElement === canvas) say(full(one));
  soon();
}

function key(event) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const way = ways[event.key];
  if (way && event.shiftKey) pan(-60 * way[0], -60 * way[1]);
  else if (way) {
    const one = pointed ? next(pointed, ...way) : nearest(wide / 2, tall / 2, Infinity);
    if (one) { point(one); if (!within(one)) fly({ x: one.x, y: one.y, scale: view.scale }); }
  } else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") whole();
  else if (event.key === "Enter" && pointed) hooks.open(pointed.id);
  else if (event.key.toLowerCase() === "p" && pointed) hooks.hear(pointed.id);
  else if (event.key.toLowerCase() === "a" && pointed) hooks.add(pointed.id);
  else return;
  event.preventDefault();
}

/** Mouse, pen and fingers: one drags, two pinch, a short press opens. */
function fingers() {
  const down = new Map();
  let moved = 0, apart = 0;
  const span = () => { const [a, b] = [...down.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    moved = down.size > 1 ? 99 : 0;
    apart = down.size === 2 ? span() : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const x = event.offsetX, y = event.offsetY, before = down.get(event.pointerId);
    if (!before) { point(nearest(x, y), false); canvas.style.cursor = pointed ? "pointer" : "grab"; return; }
    moved += Math.abs(x - before.x) + Math.abs(y - before.y);
    down.set(event.pointerId, { x, y });
    if (down.size === 2) {
      const now = span(), [a, b] = [...down.values()];
      if (apart) zoom(now / apart, (a.x + b.x) / 2, (a.y + b.y) / 2);
      apart = now;
    } else if (moved > 5) pan(x - before.x, y - before.y);
  });
  const up = (event) => {
    const there = down.delete(event.pointerId);
    if (there && event.type === "pointerup" && moved <= 5) {
      const one = nearest(event.offsetX, event.offsetY, event.pointerType === "mouse" ? NEAREST : 26);
      if (one) { point(one, false); hooks.open(one.id); }
    }
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => down.size || point(null));
}
