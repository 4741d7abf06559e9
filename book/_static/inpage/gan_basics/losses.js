// What the players minimise. Every loss is a mean over samples, so it is told by one sample's share
// and by the share's slope; D's answer is a logit or score `a`, and no logarithm comes too late.

/** @typedef {{value: (a: number) => number, slope: (a: number) => number}} Share of one sample */

/**
 * The two players' losses.
 * @typedef {object} Losses
 * @property {Share} real D's, on a real sample
 * @property {Share} fake D's, on a generated sample
 * @property {Share} generator G's, on a generated sample
 * @property {number} penalty weight of the penalty on D's slope
 * @property {((a: number) => number) | null} probability of *real* that D states; a critic none
 */

/** @param {number} a */
const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));

/** log(1 + exp a), without overflow. @param {number} a */
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));

/** @type {Record<string, Share>} */
const SHARES = {
  "−log D": { value: (a) => softplus(-a), slope: (a) => sigmoid(a) - 1 },
  "−log(1 − D)": { value: softplus, slope: sigmoid },
  "log(1 − D)": { value: (a) => -softplus(a), slope: (a) => -sigmoid(a) },
  "score": { value: (a) => a, slope: () => 1 },
  "−score": { value: (a) => -a, slope: () => -1 },
  "½ score²": { value: (a) => (a * a) / 2, slope: (a) => a },
  "½ (score − 1)²": { value: (a) => ((a - 1) * (a - 1)) / 2, slope: (a) => a - 1 },
};

/** The chapter's four games by name. @type {Record<string, Losses>} */
const LOSSES = {
  "non-saturating": {
    real: SHARES["−log D"],
    fake: SHARES["−log(1 − D)"],
    generator: SHARES["−log D"],
    penalty: 0,
    probability: sigmoid,
  },
  "saturating": {
    real: SHARES["−log D"],
    fake: SHARES["−log(1 − D)"],
    generator: SHARES["log(1 − D)"],
    penalty: 0,
    probability: sigmoid,
  },
  "wasserstein": {
    real: SHARES["−score"],
    fake: SHARES["score"],
    generator: SHARES["−score"],
    penalty: 1,
    probability: null,
  },
  "least squares": {
    real: SHARES["½ (score − 1)²"],
    fake: SHARES["½ score²"],
    generator: SHARES["½ (score − 1)²"],
    penalty: 0,
    probability: (a) => Math.min(Math.max(a, 0), 1),
  },
};

/**
 * A loss over a batch, and its slope by each answer.
 * @param {Share} share
 * @param {Matrix} answers (N, 1)
 * @returns {{value: number, slope: Matrix}}
 */
function meanLoss(share, answers) {
  let value = 0;
  const slope = matrix(answers.rows, 1);
  for (let i = 0; i < answers.rows; i++) {
    value += share.value(answers.data[i]) / answers.rows;
    slope.data[i] = share.slope(answers.data[i]) / answers.rows;
  }
  return { value, slope };
}

/**
 * The penalty on a critic's slope: the mean of (|slope| − 1)² at points between real and generated
 * data (Gulrajani et al. 2017, Equation 3), and its own slope by the critic's weights.
 *
 * The slope at a point is made by one pass backwards. To learn from it, that pass must be gone back
 * through in turn, which is a pass forwards: the same weights and the same open or leaking
 * rectifiers, without the biases. These have no part in a slope and get no gradient.
 * @param {Mlp} critic
 * @param {Matrix} real (N, 2)
 * @param {Matrix} fake (N, 2)
 * @param {Float64Array} between (N,) in [0, 1]: 0 is at the fake, 1 at the real sample
 * @returns {{value: number, weights: Matrix[]}}
 */
function gradientPenalty(critic, real, fake, between) {
  const count = real.rows;
  const points = matrix(count, real.columns);
  for (let i = 0; i < points.data.length; i++) {
    const at = between[Math.floor(i / points.columns)];
    points.data[i] = fake.data[i] + at * (real.data[i] - fake.data[i]);
  }
  const run = critic.forward(points);

  // Backwards: from 1 at each score to the score's slope by its point.
  /** @type {Matrix[]} */
  const passed = [];
  let slope = matrix(count, 1, new Float64Array(count).fill(1));
  for (let layer = critic.weights.length - 1; layer >= 0; layer--) {
    passed[layer] = slope;
    slope = product(slope, transposed(critic.weights[layer]));
    if (layer > 0) throughRectifiers(slope, run.inputs[layer]);
  }

  // The penalty, and its slope by that slope.
  let value = 0;
  const pull = matrix(count, slope.columns);
  for (let row = 0; row < count; row++) {
    let squared = 1e-12; // a root has no slope at zero
    for (let j = 0; j < slope.columns; j++) squared += slope.data[row * slope.columns + j] ** 2;
    const length = Math.sqrt(squared);
    value += (length - 1) ** 2 / count;
    for (let i = row * slope.columns; i < (row + 1) * slope.columns; i++) {
      pull.data[i] = ((2 * (length - 1)) / length / count) * slope.data[i];
    }
  }

  // Forwards: what each layer did to the slope on its way back is learned from.
  let onward = pull;
  const weights = critic.weights.map((weight, layer) => {
    const gradient = product(transposed(onward), passed[layer]);
    onward = product(onward, weight);
    if (layer + 1 < critic.weights.length) throughRectifiers(onward, run.inputs[layer + 1]);
    return gradient;
  });
  return { value, weights };
}
