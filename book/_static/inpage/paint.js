// LapStyle's painter around its two networks: the bilinear Laplacian pyramid, band by band, as
// `tutorial_lib.lapstyle.painter` has it.
"use strict";
(() => {
  const DRAFT_SIDE = 128; // pixels of the shorter side at which the drafting network was trained

  /**
   * Repeat the last row and column up to a size.
   * @param {InPage.Planes} image @param {number} width @param {number} height
   * @returns {InPage.Planes}
   */
  function padded(image, width, height) {
    if (image.width === width && image.height === height) return image;
    const data = new Float32Array(3 * width * height);
    for (let at = 0, plane = 0; plane < 3; plane++) {
      for (let y = 0; y < height; y++) {
        const row = (plane * image.height + Math.min(y, image.height - 1)) * image.width;
        for (let x = 0; x < width; x++) data[at++] = image.data[row + Math.min(x, image.width - 1)];
      }
    }
    return { data, width, height };
  }

  /**
   * The left top of a picture, in [0, 1].
   * @param {InPage.Planes} image @param {number} width @param {number} height
   * @returns {InPage.Planes}
   */
  function cropped(image, width, height) {
    const data = new Float32Array(3 * width * height);
    for (let at = 0, plane = 0; plane < 3; plane++) {
      for (let y = 0; y < height; y++) {
        const row = (plane * image.height + y) * image.width;
        for (let x = 0; x < width; x++) data[at++] = Math.min(1, Math.max(0, image.data[row + x]));
      }
    }
    return { data, width, height };
  }

  /**
   * Halve both sides, which are even: each pixel is the mean of four.
   * @param {InPage.Planes} image @returns {InPage.Planes}
   */
  function halved({ data: from, width: wide, height: high }) {
    const [width, height] = [wide / 2, high / 2];
    const data = new Float32Array(3 * width * height);
    for (let at = 0, row = 0; row < 3 * height; row++) {
      for (let x = 0, i = 2 * row * wide; x < width; x++, i += 2) {
        data[at++] = (from[i] + from[i + 1] + from[i + wide] + from[i + wide + 1]) / 4;
      }
    }
    return { data, width, height };
  }

  /**
   * Double both sides bilinearly: nearest pixels count ¾ and ¼ along each side.
   * @param {InPage.Planes} image @returns {InPage.Planes}
   */
  function doubled({ data: from, width, height }) {
    const data = new Float32Array(12 * width * height);
    for (let plane = 0, at = 0; plane < 3; plane++) {
      for (let y = 0; y < 2 * height; y++) {
        const near = (plane * height + (y >> 1)) * width;
        const row = (y >> 1) + (y & 1 ? 1 : -1);
        const far = (plane * height + Math.min(height - 1, Math.max(0, row))) * width;
        for (let x = 0; x < 2 * width; x++) {
          const i = x >> 1;
          const j = Math.min(width - 1, Math.max(0, i + (x & 1 ? 1 : -1)));
          data[at++] =
            0.75 * (0.75 * from[near + i] + 0.25 * from[near + j]) +
            0.25 * (0.75 * from[far + i] + 0.25 * from[far + j]);
        }
      }
    }
    return { data, width: 2 * width, height: 2 * height };
  }

  /**
   * a + share · b
   * @param {InPage.Planes} a @param {InPage.Planes} b @param {number} share
   * @returns {InPage.Planes}
   */
  function sum(a, b, share) {
    return { ...a, data: a.data.map((value, i) => value + share * b.data[i]) };
  }

  /**
   * Make a painter known to an engine that runs the graphs `draft` and `revision`.
   * @param {InPage.Engine} engine
   * @param {string} name
   * @param {InPage.Pack} encoder that all painters share
   * @param {InPage.Pack} own what the painter has beside it
   * @returns {InPage.Painter}
   */
  tutorialInPage.teach = (engine, name, encoder, own) => {
    engine.network(name, { ...encoder, ...own });
    let revisions = 0;
    for (; ; revisions++) {
      const prefix = `revisions.${revisions}.`;
      const part = Object.entries(own).filter(([key]) => key.startsWith(prefix));
      if (!part.length) return { name, revisions };
      const named = part.map(([key, values]) => [key.slice(prefix.length), values]);
      engine.network(`${name} ${revisions}`, Object.fromEntries(named));
    }
  };

  /**
   * Paint a picture of any size: its draft, then each revision; the last one is repeated.
   * @param {InPage.Engine} engine
   * @param {InPage.Painter} painter that it knows
   * @param {InPage.Planes} image
   * @param {object} how
   * @param {number} how.strength of the style, from 0 to 1
   * @param {number} [how.levels] revisions; by default as many as make the draft's shorter side 128
   * @param {(stage: InPage.Planes) => void} [how.drawn] told of each stage
   * @returns {Promise<InPage.Planes>} of the picture's size, in [0, 1]
   */
  tutorialInPage.paint = async (engine, painter, image, { strength, levels, drawn }) => {
    const { width, height } = image;
    levels ??= Math.max(0, Math.round(Math.log2(Math.min(width, height) / DRAFT_SIDE)));
    const multiple = 8 * 2 ** levels;
    const [wide, high] = [width, height].map((side) =>
      Math.max(2 * multiple, Math.ceil(side / multiple) * multiple),
    );
    const pictures = [padded(image, wide, high)];
    for (let i = 0; i < levels; i++) pictures.push(halved(pictures[i]));

    const values = (/** @type {InPage.Planes} */ { data, width, height }) => ({
      data,
      dims: [1, 3, height, width],
    });
    const low = pictures[levels];
    const { painting } = await engine.run("draft", {
      sides: { height: low.height, width: low.width },
      inputs: { low: values(low), strength: { data: Float32Array.of(strength), dims: [1] } },
      mixture: { [painter.name]: 1 },
    });
    /** @type {InPage.Planes} */
    let made = { ...low, data: painting.data };
    drawn?.(made);
    for (let index = 0; index < levels; index++) {
      const fine = pictures[levels - 1 - index];
      const residual = sum(fine, doubled(pictures[levels - index]), -1);
      const picture = doubled(made);
      const { band } = await engine.run("revision", {
        sides: { height: fine.height, width: fine.width },
        inputs: { residual: values(residual), picture: values(picture) },
        mixture: { [`${painter.name} ${Math.min(index, painter.revisions - 1)}`]: 1 },
      });
      made = sum(picture, { ...fine, data: band.data }, 1);
      drawn?.(made);
    }
    return cropped(made, width, height);
  };
})();
