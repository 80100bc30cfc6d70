// Elements made without markup text, so that no title can be a script; icons, times, and what is said aloud.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  add: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  there: "m9.5 16.200-4-4L4 13.700l5.5 5.5L20.5 8.200 19 6.700z",
  remove: "m6.400 5 5.600 5.600L17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600l5.600-5.600L5 6.400z",
  up: "m12 7 6 6-1.400 1.400L12 9.800l-4.600 4.600L6 13z",
  down: "m12 17-6-6 1.400-1.400 4.600 4.600 4.600-4.600L18 11z",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v3.5h-2zm0 18.5h2V23h-2zM1 11h3.5v2H1zm18.5 0H23v2h-3.5zM4.900 3.5l2.5 2.5L6 7.400 3.5 4.900zm13.100 13.100 2.5 2.5-1.400 1.400-2.5-2.5zM3.5 19.100 6 16.600 7.400 18l-2.5 2.5zM16.600 6l2.5-2.5 1.400 1.400L18 7.400z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  half: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2v14a7 7 0 0 1 0-14z",
};

/** An element: `h("a", {href: "#x", onclick: f, "aria-label": "X"}, "text", other)`. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const $ = (id) => document.getElementById(id);

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A button with only an icon; its label is read aloud and shown on hovering. */
export function button(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

export function relabel(element, name, label) {
  element.replaceChildren(icon(name));
  element.setAttribute("aria-label", label);
  element.title = label;
}

export const title = (track) => track.title || track.id;
export const full = (track) => (track.artist ? `${title(track)} by ${track.artist}` : title(track));

export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "–:––";
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** Flags that should be seen wherever a track is named. */
export function flags(track) {
  const found = [];
  if (track.explicit) found.push(h("abbr", { class: "flag", title: "explicit" }, "E"));
  if (track.generated) found.push(h("abbr", { class: "flag", title: "made by a machine" }, "AI"));
  return found;
}

export function say(text) {
  $("said").textContent = text;
}

let hiding;
/** Something went wrong: one line, for a while. */
export function trouble(error) {
  if (error.name === "AbortError") return;
  $("trouble").textContent = error.message || String(error);
  $("trouble").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("trouble").hidden = true; }, 8000);
}

/** Calls `f` once, when nothing has asked for it for so many milliseconds. */
export function calm(f, milliseconds) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => f(...given), milliseconds);
  };
}

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
