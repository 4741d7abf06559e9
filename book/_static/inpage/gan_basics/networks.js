// The players: small multilayer perceptrons, forward and backward, written out.
//
// A batch is a matrix whose rows are samples. A layer is y = x W + b, with a leaky rectifier after
// all layers but the last. Numbers are 64 bits wide, as JavaScript's are.

/** @typedef {{rows: number, columns: number, data: Float64Array}} Matrix */

/**
 * What a network computed on its way, kept for the way back.
 * @typedef {object} Run
 * @property {Matrix[]} inputs what each layer was given: (N, inputs), then (N, units) and so on
 * @property {Matrix} answers (N, outputs)
 */

/** @typedef {{weights: Matrix[], biases: Float64Array[]}} Gradients of every layer */

const LEAK = 0.2;

/**
 * A matrix, of zeros unless numbers are given row by row.
 * @param {number} rows
 * @param {number} columns
 * @param {Float64Array} [data]
 * @returns {Matrix}
 */
function matrix(rows, columns, data = new Float64Array(rows * columns)) {
  return { rows, columns, data };
}

/**
 * The product a b.
 * @param {Matrix} a
 * @param {Matrix} b
 * @returns {Matrix}
 */
function product(a, b) {
  const out = matrix(a.rows, b.columns);
  const x = a.data, w = b.data, y = out.data;
  const inner = a.columns, columns = b.columns;
  for (let row = 0; row < a.rows; row++) {
    const to = row * columns;
    const from = row * inner;
    let k = 0;
    // Four rows of b at a time, so that each sum is fetched and stored a quarter as often.
    for (; k + 4 <= inner; k += 4) {
      const x0 = x[from + k], x1 = x[from + k + 1], x2 = x[from + k + 2], x3 = x[from + k + 3];
      const w0 = k * columns, w1 = w0 + columns, w2 = w1 + columns, w3 = w2 + columns;
      for (let j = 0; j < columns; j++) {
        y[to + j] += x0 * w[w0 + j] + x1 * w[w1 + j] + x2 * w[w2 + j] + x3 * w[w3 + j];
      }
    }
    for (; k < inner; k++) {
      const xk = x[from + k], wk = k * columns;
      for (let j = 0; j < columns; j++) y[to + j] += xk * w[wk + j];
    }
  }
  return out;
}

/**
 * Rows become columns.
 * @param {Matrix} a
 * @returns {Matrix}
 */
function transposed(a) {
  const out = matrix(a.columns, a.rows);
  for (let row = 0; row < a.rows; row++) {
    for (let j = 0; j < a.columns; j++) out.data[j * a.rows + row] = a.data[row * a.columns + j];
  }
  return out;
}

/**
 * The sum over all samples, of each column.
 * @param {Matrix} a
 * @returns {Float64Array}
 */
function columnSums(a) {
  const sums = new Float64Array(a.columns);
  for (let i = 0; i < a.data.length; i++) sums[i % a.columns] += a.data[i];
  return sums;
}

/**
 * Back through the leaky rectifiers, in place: a slope shrinks where the unit was not above zero.
 * @param {Matrix} slope of what is wanted, by the rectifiers' outputs
 * @param {Matrix} outputs of the rectifiers, which have the signs of their inputs
 */
function throughRectifiers(slope, outputs) {
  for (let i = 0; i < slope.data.length; i++) if (!(outputs.data[i] > 0)) slope.data[i] *= LEAK;
}

/** A multilayer perceptron. */
class Mlp {
  /**
   * @param {number[]} widths of the input, each hidden layer, and the answer
   * @param {{uniform: () => number}} random weights are even between ±1/√inputs
   */
  constructor(widths, random) {
    /** @type {Matrix[]} */
    this.weights = [];
    /** @type {Float64Array[]} */
    this.biases = [];
    for (let layer = 0; layer + 1 < widths.length; layer++) {
      const [inputs, outputs] = [widths[layer], widths[layer + 1]];
      const draw = () => (2 * random.uniform() - 1) / Math.sqrt(inputs);
      this.weights.push(matrix(inputs, outputs, Float64Array.from({ length: inputs * outputs }, draw)));
      this.biases.push(Float64Array.from({ length: outputs }, draw));
    }
  }

  /**
   * Answers to a batch, and what is needed to go back.
   * @param {Matrix} x (N, inputs)
   * @returns {Run}
   */
  forward(x) {
    const inputs = [];
    for (let layer = 0; layer < this.weights.length; layer++) {
      inputs.push(x);
      x = product(x, this.weights[layer]);
      const [y, bias, columns] = [x.data, this.biases[layer], x.columns];
      const last = layer === this.weights.length - 1;
      for (let i = 0; i < y.length; ) {
        for (let j = 0; j < columns; j++, i++) {
          const sum = y[i] + bias[j];
          y[i] = last || sum > 0 ? sum : LEAK * sum;
        }
      }
    }
    return { inputs, answers: x };
  }

  /**
   * Back-propagation: from the slope of a loss by the answers to its slope by everything else.
   * @param {Run} run from `forward`
   * @param {Matrix} slope (N, outputs) of the loss, by the answers
   * @param {{learn?: boolean}} [options] `learn: false` leaves out the slopes by the weights
   * @returns {Gradients & {input: Matrix}} and by what the network was given, (N, inputs)
   */
  backward(run, slope, { learn = true } = {}) {
    /** @type {Gradients} */
    const gradients = { weights: [], biases: [] };
    for (let layer = this.weights.length - 1; layer >= 0; layer--) {
      if (learn) {
        gradients.weights[layer] = product(transposed(run.inputs[layer]), slope);
        gradients.biases[layer] = columnSums(slope);
      }
      slope = product(slope, transposed(this.weights[layer]));
      if (layer > 0) throughRectifiers(slope, run.inputs[layer]);
    }
    return { ...gradients, input: slope };
  }
}
