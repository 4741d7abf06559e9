// How a player moves once it knows its slopes.

/** Plain gradient descent. */
class Sgd {
  /** @param {Mlp} network @param {number} rate may be changed at any time */
  constructor(network, rate) {
    this.network = network;
    this.rate = rate;
  }

  /** @param {Gradients} gradients */
  step(gradients) {
    for (const [values, slopes] of pairs(this.network, gradients)) {
      for (let i = 0; i < values.length; i++) values[i] -= this.rate * slopes[i];
    }
  }
}

/** Adam (Kingma & Ba 2015, Algorithm 1), with the chapter's β₁ = 0.5 and β₂ = 0.9. */
class Adam {
  /** @param {Mlp} network @param {number} rate may be changed at any time */
  constructor(network, rate) {
    this.network = network;
    this.rate = rate;
    this.steps = 0;
    /** @type {Float64Array[]} */
    this.means = [];
    /** @type {Float64Array[]} */
    this.squares = [];
  }

  /** @param {Gradients} gradients */
  step(gradients) {
    const [beta1, beta2, epsilon] = [0.5, 0.9, 1e-8];
    this.steps += 1;
    // Both averages start at zero, and are too small by these factors.
    const [short1, short2] = [1 - beta1 ** this.steps, 1 - beta2 ** this.steps];
    pairs(this.network, gradients).forEach(([values, slopes], which) => {
      const mean = (this.means[which] ??= new Float64Array(values.length));
      const square = (this.squares[which] ??= new Float64Array(values.length));
      for (let i = 0; i < values.length; i++) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * slopes[i];
        square[i] = beta2 * square[i] + (1 - beta2) * slopes[i] * slopes[i];
        values[i] -= (this.rate * (mean[i] / short1)) / (Math.sqrt(square[i] / short2) + epsilon);
      }
    });
  }
}

/** How the players may move. @type {Record<string, typeof Adam | typeof Sgd>} */
const OPTIMISERS = { "Adam": Adam, "gradient descent": Sgd };

/**
 * Every array of weights or biases with its slopes.
 * @param {Mlp} network
 * @param {Gradients} gradients
 * @returns {[Float64Array, Float64Array][]}
 */
function pairs(network, gradients) {
  return network.weights.flatMap((weight, layer) => [
    [weight.data, gradients.weights[layer].data],
    [network.biases[layer], gradients.biases[layer]],
  ]);
}
