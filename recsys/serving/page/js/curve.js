// Tempo and energy of the playlist, place by place, as two small drawings.

import { h, svg } from "./dom.js";

const WIDTH = 600, HEIGHT = 76, EDGE = 8;
const DRAWN = {
  tempo: { unit: "BPM", told: (value) => `${Math.round(value)}` },
  energy: { unit: "", told: (value) => value.toFixed(2), range: [0, 1] },
};

/** Draws into `home`; `rows` have a name, and a value for each trait. Fewer than two known values draw nothing. */
export function draw(home, rows) {
  const drawn = Object.keys(DRAWN).map((trait) => one(trait, rows)).filter(Boolean);
  home.replaceChildren(...drawn);
}

function one(trait, rows) {
  const values = rows.map((row) => row.value(trait));
  const known = values.filter(Number.isFinite);
  if (known.length < 2) return null;
  const { told, unit, range } = DRAWN[trait];
  const [low, high] = range || spread(known);
  const x = (i) => EDGE + (i / Math.max(1, values.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE);
  const points = values.flatMap((value, i) => (Number.isFinite(value) ? [[x(i), y(value), i]] : []));
  const text = `${trait} from ${told(known[0])} to ${told(known.at(-1))} ${unit}, least ${told(Math.min(...known))}, most ${told(Math.max(...known))}`;
  const dots = points.map(([a, b, i]) => svg("path", { d: `M${a.toFixed(1)},${b.toFixed(1)}h0.01` }, svg("title", {}, `${rows[i].name}: ${told(values[i])} ${unit}`)));
  const area = `M${points[0][0]},${HEIGHT} ${points.map(([a, b]) => `L${a.toFixed(1)},${b.toFixed(1)}`).join(" ")} L${points.at(-1)[0]},${HEIGHT} Z`;
  return h("figure", { class: `curve ${trait}` },
    h("figcaption", {}, h("b", {}, trait), ` ${told(Math.min(...known))}–${told(Math.max(...known))} ${unit}`),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": text, preserveAspectRatio: "none" },
      svg("path", { class: "area", d: area }),
      svg("polyline", { points: points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ") }), dots));
}

function spread(values) {
  const low = Math.min(...values), high = Math.max(...values), more = Math.max(10, (high - low) * 0.15);
  return [low - more, high + more];
}
