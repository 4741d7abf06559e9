// One round of the game, in the order of the chapter: D moves, as often as it may; then G does.

/**
 * The players, and the optimisers of their weights.
 * @typedef {object} Players
 * @property {Mlp} generator
 * @property {Mlp} discriminator
 * @property {Adam | Sgd} generatorOptimiser
 * @property {Adam | Sgd} discriminatorOptimiser
 */

/**
 * One update of the discriminator, on real data and on as many fakes.
 * @param {Players} players
 * @param {Matrix} real (N, 2)
 * @param {Matrix} noise (N, axes)
 * @param {Losses} losses
 * @param {{uniform: () => number}} random says where between real and fake a penalty is taken
 * @returns {number} the loss before the update
 */
function discriminatorStep(players, real, noise, losses, random) {
  const { discriminator } = players;
  const fake = players.generator.forward(noise).answers; // nothing is learned from here: G stays
  const [onReal, onFake] = [discriminator.forward(real), discriminator.forward(fake)];
  const [first, second] = [
    meanLoss(losses.real, onReal.answers),
    meanLoss(losses.fake, onFake.answers),
  ];
  let loss = first.value + second.value;
  const gradients = discriminator.backward(onReal, first.slope);
  const more = discriminator.backward(onFake, second.slope);
  gradients.weights.forEach((weight, layer) => add(weight.data, more.weights[layer].data));
  gradients.biases.forEach((bias, layer) => add(bias, more.biases[layer]));
  if (losses.penalty) {
    const between = Float64Array.from({ length: real.rows }, () => random.uniform());
    const penalty = gradientPenalty(discriminator, real, fake, between);
    loss += losses.penalty * penalty.value;
    gradients.weights.forEach((weight, layer) =>
      add(weight.data, penalty.weights[layer].data, losses.penalty),
    );
  }
  players.discriminatorOptimiser.step(gradients);
  return loss;
}

/**
 * One update of the generator, down the slope that the discriminator hands back.
 * @param {Players} players
 * @param {Matrix} noise (N, axes)
 * @param {Losses} losses
 * @returns {number} the loss before the update
 */
function generatorStep(players, noise, losses) {
  const made = players.generator.forward(noise);
  const judged = players.discriminator.forward(made.answers);
  const loss = meanLoss(losses.generator, judged.answers);
  // D's slope by its input is needed, that by its weights is not.
  const handed = players.discriminator.backward(judged, loss.slope, { learn: false }).input;
  players.generatorOptimiser.step(players.generator.backward(made, handed));
  return loss.value;
}

/**
 * One round: as many updates of D as there are batches of real data, and one of G if there is one
 * more batch of noise (Goodfellow et al. 2014, Algorithm 1).
 * @param {Players} players
 * @param {Matrix[]} reals
 * @param {Matrix[]} noises
 * @param {Losses} losses
 * @param {{uniform: () => number}} random
 * @returns {{discriminator?: number, generator?: number}} the last loss of each that moved
 */
function ganStep(players, reals, noises, losses, random) {
  /** @type {{discriminator?: number, generator?: number}} */
  const found = {};
  reals.forEach((real, turn) => {
    found.discriminator = discriminatorStep(players, real, noises[turn], losses, random);
  });
  if (noises.length > reals.length) {
    found.generator = generatorStep(players, noises[noises.length - 1], losses);
  }
  return found;
}

/**
 * Add some multiple of one array to another, in place.
 * @param {Float64Array} to
 * @param {Float64Array} what
 * @param {number} [times]
 */
function add(to, what, times = 1) {
  for (let i = 0; i < to.length; i++) to[i] += times * what[i];
}
