// What there is to see of a game in the plane, measured: maps of D and of the best D, the pull on
// fakes, the net, densities, divergence, modes.

/** The window on the plane reaches from −1.6 to 1.6 along both axes. */
const EXTENT = 1.6;

/** Width of the Gaussian window of all density estimates. */
const BLUR = 0.05;

/** Cells of a map along either axis. */
const SIZE = 48;

/** Area of a cell. */
const CELL = ((2 * EXTENT) / SIZE) ** 2;

/** Coordinates of the cells' centres along an axis, rising. */
const AXIS = Float64Array.from({ length: SIZE }, (_, i) => ((i + 0.5) * 2 * EXTENT) / SIZE - EXTENT);

/** All cell centres, row by row from the top (largest y), as in an image: (SIZE², 2). */
const GRID = matrix(
  SIZE * SIZE,
  2,
  Float64Array.from({ length: 2 * SIZE * SIZE }, (_, i) => {
    const [row, column] = [Math.floor(i / 2 / SIZE), (i >> 1) % SIZE];
    return i % 2 ? AXIS[SIZE - 1 - row] : AXIS[column];
  }),
);

/**
 * Density of samples over the window, estimated with a Gaussian window of width `BLUR`. It is the
 * exact density of the samples, blurred; so the other density must be blurred alike.
 * @param {Matrix} samples (N, 2)
 * @returns {Float64Array} (SIZE²,), rows from the top
 */
function kernelDensity(samples) {
  // The window is a product of one factor in x and one in y: all sums become one product.
  const [across, down] = [matrix(samples.rows, SIZE), matrix(SIZE, samples.rows)];
  for (let i = 0; i < samples.rows; i++) {
    for (let k = 0; k < SIZE; k++) {
      const [x, y] = [samples.data[2 * i] - AXIS[k], samples.data[2 * i + 1] - AXIS[SIZE - 1 - k]];
      across.data[i * SIZE + k] = gaussian(x);
      down.data[k * samples.rows + i] = gaussian(y);
    }
  }
  return product(down, across).data.map((sum) => sum / samples.rows);
}

/** @param {number} x */
function gaussian(x) {
  const squared = (x / BLUR) ** 2 / 2;
  return squared < 40 ? Math.exp(-squared) / (BLUR * Math.sqrt(2 * Math.PI)) : 0;
}

/**
 * What the discriminator's logits say, as probabilities of *real*. A critic states none: its scores
 * are standardised over the window and put through a sigmoid.
 * @param {Float64Array} logits (SIZE²,)
 * @param {Losses} losses
 */
function learnedMap(logits, losses) {
  if (losses.probability) return logits.map(losses.probability);
  const mean = logits.reduce((sum, a) => sum + a, 0) / logits.length;
  const variance = logits.reduce((sum, a) => sum + (a - mean) ** 2, 0) / (logits.length - 1);
  return logits.map((a) => sigmoid((a - mean) / Math.sqrt(variance)));
}

/**
 * The best discriminator, p / (p + q); ½ where both are below 1e-12, and nothing is to be told apart.
 * @param {Float64Array} p
 * @param {Float64Array} q
 */
function optimalMap(p, q) {
  return p.map((data, i) => {
    const [real, made] = [Math.max(data, 1e-12), Math.max(q[i], 1e-12)];
    return real / (real + made);
  });
}

/**
 * How much there is of data or of fakes, each against its own peak: where there is next to nothing of
 * either, what the best discriminator says is of no account.
 * @param {Float64Array} p
 * @param {Float64Array} q
 * @returns {Float64Array} range [0, 1]
 */
function presence(p, q) {
  const [most, mostMade] = [p, q].map((density) => density.reduce((most, x) => Math.max(most, x), 1e-12));
  return p.map((data, i) => Math.max(data / most, q[i] / mostMade));
}

/**
 * V(D, G) where both densities are known: the integral of p log D + q log(1 − D), in nats.
 * @param {Float64Array} p
 * @param {Float64Array} q
 * @param {Float64Array} logits of D
 */
function gameValue(p, q, logits) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum -= p[i] * softplus(-logits[i]) + q[i] * softplus(logits[i]);
  return sum * CELL;
}

/**
 * Jensen–Shannon divergence of two densities, in nats, from 0 to log 2. What either lacks to a mass
 * of 1 lies outside of the window, which counts as one more cell.
 * @param {Float64Array} p
 * @param {Float64Array} q
 */
function jensenShannon(p, q) {
  const outside = [p, q].map((density) => Math.max(0, 1 - CELL * density.reduce((sum, x) => sum + x, 0)));
  let sum = 0;
  for (let i = 0; i <= p.length; i++) {
    const [data, made] = i < p.length ? [CELL * p[i], CELL * q[i]] : outside;
    if (data > 0) sum += data * Math.log((2 * data) / (data + made));
    if (made > 0) sum += made * Math.log((2 * made) / (data + made));
  }
  return sum / 2;
}

/**
 * Which way and how hard the generator's loss pulls each point: minus the slope of its own share.
 * @param {Mlp} discriminator
 * @param {Matrix} points (A, 2)
 * @param {Losses} losses
 * @returns {Matrix} (A, 2)
 */
function pull(discriminator, points, losses) {
  const judged = discriminator.forward(points);
  const { slope } = meanLoss(losses.generator, judged.answers);
  const { input } = discriminator.backward(judged, slope, { learn: false });
  return matrix(points.rows, 2, input.data.map((down) => -down * points.rows));
}

/**
 * Nodes of a net over the middle 95 % along each axis of the noise.
 * @param {Noise} noise
 * @param {number} nodes along an axis
 * @returns {Matrix} (nodes ** axes, axes)
 */
function noiseNet(noise, nodes) {
  const reach = noise.uniform ? 0.95 : 1.96;
  const line = steps(-reach, reach, nodes);
  if (noise.axes === 1) return matrix(nodes, 1, Float64Array.from(line));
  return matrix(nodes ** 2, 2, Float64Array.from(line.flatMap((x) => line.flatMap((y) => [x, y]))));
}

/**
 * The log-density that 99 % of true samples exceed.
 * @param {Mixture} mixture
 */
function goodLevel(mixture) {
  const logs = mixture.logDensity(mixture.sample(4000, new Random(0))).sort();
  return logs[Math.floor(0.01 * logs.length)];
}

/**
 * Modes covered, and the share of samples of high quality, which lie where the true density exceeds
 * a level. A mode is covered if the good samples nearest to it are a tenth of its fair share.
 * @param {Matrix} samples (N, 2)
 * @param {Mixture} mixture
 * @param {number} level from `goodLevel`
 * @returns {{modes: number, quality: number}}
 */
function coverage(samples, mixture, level) {
  const logs = mixture.logDensity(samples);
  const counts = mixture.modes.map(() => 0);
  let good = 0;
  for (let i = 0; i < samples.rows; i++) {
    if (!(logs[i] > level)) continue;
    good += 1;
    const [x, y] = [samples.data[2 * i], samples.data[2 * i + 1]];
    let [nearest, least] = [0, Infinity];
    mixture.modes.forEach((mode, k) => {
      const squared = (mode[0] - x) ** 2 + (mode[1] - y) ** 2;
      if (squared < least) [nearest, least] = [k, squared];
    });
    counts[nearest] += 1;
  }
  const enough = (0.1 * samples.rows) / mixture.modes.length;
  return { modes: counts.filter((count) => count >= enough).length, quality: good / samples.rows };
}
