// Room for every dot: places that lie on each other are pushed apart, a little in each round; far ones stay where they are.

const ROUNDS = 60, SHARE = 0.42;

/** Moves `points` (x and y in −1 … 1) in place until hardly any two are nearer than a share of even spacing. */
export function spread(points) {
  const least = SHARE * Math.sqrt(4 / Math.max(points.length, 1));
  points.forEach((one, i) => { one.x += jitter(i) * least * 0.2; one.y += jitter(i + 0.5) * least * 0.2; });
  for (let round = 0; round < ROUNDS; round += 1) if (!pushed(points, least)) break;
  for (const axis of ["x", "y"]) fill(points, axis);
}

/** The whole of −1 … 1 is used. */
function fill(points, axis) {
  const low = points.reduce((least, one) => Math.min(least, one[axis]), Infinity);
  const high = points.reduce((most, one) => Math.max(most, one[axis]), -Infinity);
  for (const one of points) one[axis] = high > low ? (2 * (one[axis] - low)) / (high - low) - 1 : 0;
}

/** One round over neighbouring cells; whether any two were too near. */
function pushed(points, least) {
  const cells = new Map(), key = (a, b) => a * 65536 + b, at = (value) => Math.floor((value + 4) / least);
  for (const one of points) {
    const cell = key(at(one.x), at(one.y));
    if (cells.has(cell)) cells.get(cell).push(one); else cells.set(cell, [one]);
  }
  let moved = false;
  for (const one of points) {
    const a = at(one.x), b = at(one.y);
    for (let i = a - 1; i <= a + 1; i += 1) for (let j = b - 1; j <= b + 1; j += 1) for (const other of cells.get(key(i, j)) || []) {
      const x = other.x - one.x, y = other.y - one.y, apart = Math.hypot(x, y);
      if (other === one || apart >= least) continue;
      const step = 0.35 * (least - apart) / (apart || 1);
      one.x -= x * step; one.y -= y * step; other.x += x * step; other.y += y * step;
      moved = true;
    }
  }
  return moved;
}

/** A number from −1 to 1 that is the same for the same place in the list. */
function jitter(i) {
  const value = Math.sin((i + 1) * 12.9898) * 43758.5453;
  return 2 * (value - Math.floor(value)) - 1;
}
