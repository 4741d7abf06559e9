// Data in the plane whose density is known, and the noise that a generator starts from.

/**
 * Random numbers from a seed: a counter, scrambled by MurmurHash3's finaliser (Appleby 2011) as in
 * SplitMix (Steele, Lea & Flood 2014). Equal seeds give equal games in every browser.
 */
class Random {
  /** @param {number} seed a whole number */
  constructor(seed) {
    this.counter = scrambled(seed + 1);
    /** @type {number | null} */
    this.spare = null;
  }

  /** Even in [0, 1). */
  uniform() {
    this.counter = (this.counter + 0x9e3779b9) >>> 0; // 2³² over the golden ratio
    return scrambled(this.counter) / 2 ** 32;
  }

  /** Standard normal, two at a time (Box and Muller 1958). */
  normal() {
    if (this.spare !== null) {
      const kept = this.spare;
      this.spare = null;
      return kept;
    }
    const length = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = length * Math.sin(angle);
    return length * Math.cos(angle);
  }
}

/** All bits of a whole number depend on all of it. @param {number} bits */
function scrambled(bits) {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** @typedef {[number, number]} Point */

/** An even mixture of round Gaussians in the plane: easy to sample, its density exact. */
class Mixture {
  /**
   * @param {Point[]} centres
   * @param {number} sigma standard deviation of each along either axis
   * @param {Point[]} modes points by which coverage is counted
   */
  constructor(centres, sigma, modes = centres) {
    this.centres = centres;
    this.sigma = sigma;
    this.modes = modes;
  }

  /**
   * @param {number} count
   * @param {Random} random
   * @returns {Matrix} (count, 2)
   */
  sample(count, random) {
    const points = matrix(count, 2);
    for (let i = 0; i < count; i++) {
      const [x, y] = this.centres[Math.floor(random.uniform() * this.centres.length)];
      points.data[2 * i] = x + this.sigma * random.normal();
      points.data[2 * i + 1] = y + this.sigma * random.normal();
    }
    return points;
  }

  /**
   * Logarithm of the density at each point, after a Gaussian blur if asked.
   * @param {Matrix} points (N, 2)
   * @param {number} [blur]
   * @returns {Float64Array} (N,)
   */
  logDensity(points, blur = 0) {
    const variance = this.sigma ** 2 + blur ** 2;
    const logs = new Float64Array(points.rows);
    const squared = new Float64Array(this.centres.length);
    const [xs, ys] = [0, 1].map((axis) => Float64Array.from(this.centres, (c) => c[axis]));
    for (let i = 0; i < points.rows; i++) {
      const [x, y] = [points.data[2 * i], points.data[2 * i + 1]];
      let least = Infinity; // the largest term, taken out so that not all of them vanish
      for (let k = 0; k < xs.length; k++) {
        squared[k] = (x - xs[k]) ** 2 + (y - ys[k]) ** 2;
        if (squared[k] < least) least = squared[k];
      }
      let sum = 0;
      for (let k = 0; k < xs.length; k++) {
        const behind = (squared[k] - least) / (2 * variance);
        if (behind < 40) sum += Math.exp(-behind);
      }
      logs[i] = Math.log(sum) - least / (2 * variance);
      logs[i] -= Math.log(2 * Math.PI * variance * xs.length);
    }
    return logs;
  }
}

/** Eight Gaussians evenly on a circle. */
function ring() {
  return new Mixture(
    steps(0, 2 * Math.PI * (7 / 8), 8).map((angle) => [Math.cos(angle), Math.sin(angle)]),
    0.05,
  );
}

/** A spiral with equal weight on equal lengths, from near the centre to radius 1.2. */
function spiral() {
  /** @type {(t: number) => Point} */
  const at = (t) => [1.2 * t * Math.cos(3.5 * Math.PI * t), 1.2 * t * Math.sin(3.5 * Math.PI * t)];
  return curve([steps(0.2, 1, 4001).map(at)], 0.04);
}

/** Two half circles that reach into each other. */
function moons() {
  /** @type {Point[]} */
  const upper = steps(0, Math.PI, 2001).map((angle) => [
    0.85 * (Math.cos(angle) - 0.5),
    0.85 * (Math.sin(angle) - 0.25),
  ]);
  return curve([upper, upper.map(([x, y]) => [-x, -y])], 0.06);
}

/** The chapter's drawing: two eyes and a mouth, each mark a round Gaussian. */
function smile() {
  const rows = ["   #      #", "", " #          #", "   #      #", "      ##"];
  /** @type {Point[]} */
  const marks = rows.flatMap((line, row) =>
    [...line].flatMap((mark, column) => (mark === "#" ? [/** @type {Point} */ ([column / 2, -row])] : [])),
  );
  const [left, right, top, bottom] = [0.5, 6, 0, -4];
  const scale = 1.1 / ((right - left) / 2);
  return new Mixture(
    marks.map(([x, y]) => [(x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale]),
    0.05,
  );
}

/**
 * What the reader has drawn. Modes are counted at marks that are at least 0.2 apart.
 * @param {Point[]} marks
 */
function drawing(marks) {
  /** @type {Point[]} */
  const modes = [];
  for (const mark of marks) if (modes.every((mode) => distance(mode, mark) >= 0.2)) modes.push(mark);
  return new Mixture(marks, 0.05, modes);
}

/** The chapter's distributions by name. @type {Record<string, () => Mixture>} */
const DISTRIBUTIONS = { ring, spiral, moons, smile };

/** What the generator may start from. @type {Record<string, Noise>} */
const NOISES = {
  "two normal numbers": { axes: 2, uniform: false },
  "two uniform numbers": { axes: 2, uniform: true },
  "one normal number": { axes: 1, uniform: false },
  "one uniform number": { axes: 1, uniform: true },
};

/** @typedef {{axes: number, uniform: boolean}} Noise */

/**
 * A batch of noise: standard normal, or even between −1 and 1.
 * @param {Noise} noise
 * @param {number} count
 * @param {Random} random
 * @returns {Matrix} (count, axes)
 */
function drawNoise(noise, count, random) {
  const draw = noise.uniform ? () => 2 * random.uniform() - 1 : () => random.normal();
  return matrix(count, noise.axes, Float64Array.from({ length: count * noise.axes }, draw));
}

/**
 * So many numbers at equal distances, both ends among them.
 * @param {number} from
 * @param {number} to
 * @param {number} count
 */
function steps(from, to, count) {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/** @param {Point} a @param {Point} b */
function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/**
 * 512 Gaussians along lines, with equal weight on equal lengths; 16 points to count coverage by.
 * @param {Point[][]} lines
 * @param {number} sigma
 */
function curve(lines, sigma) {
  /** @param {Point[]} line @param {number} count */
  const evenly = (line, count) => {
    const lengths = [0];
    for (let i = 1; i < line.length; i++) lengths.push(lengths[i - 1] + distance(line[i - 1], line[i]));
    const all = lengths[lengths.length - 1];
    return Array.from({ length: count }, (_, i) => {
      const wanted = ((i + 0.5) / count) * all;
      return line[lengths.findIndex((length) => length >= wanted)];
    });
  };
  const [centres, modes] = [512, 16].map((count) =>
    lines.flatMap((line) => evenly(line, count / lines.length)),
  );
  return new Mixture(centres, sigma, modes);
}
