// Bicubic resizing as MATLAB's imresize does it, and `tutorial_lib.metrics.imresize` after it:
// when a picture shrinks, the kernel is stretched, so that no pixel is passed over.
"use strict";
(() => {
  /** The kernel of Keys (1981), a = −½. @param {number} x in pixels */
  function cubic(x) {
    x = Math.abs(x);
    if (x <= 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
    return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
  }

  /**
   * For each pixel of a resized line, which pixels it is a mean of, and with what weights.
   * @param {number} from pixels before
   * @param {number} to pixels after
   * @returns {{places: number[], weights: number[]}[]}
   */
  function means(from, to) {
    const stretch = Math.max(1, from / to);
    return Array.from({ length: to }, (_, i) => {
      const centre = ((i + 0.5) * from) / to - 0.5;
      const places = [];
      const weights = [];
      for (let at = Math.ceil(centre - 2 * stretch); at <= centre + 2 * stretch; at++) {
        // Beyond its ends a line is mirrored.
        const period = ((at % (2 * from)) + 2 * from) % (2 * from);
        places.push(period < from ? period : 2 * from - 1 - period);
        weights.push(cubic((at - centre) / stretch));
      }
      const sum = weights.reduce((a, b) => a + b);
      return { places, weights: weights.map((weight) => weight / sum) };
    });
  }

  /**
   * @param {ImageData} image opaque
   * @param {number} width
   * @param {number} height
   * @returns {ImageData}
   */
  tutorialInPage.resize = (image, width, height) => {
    const rows = image.height;
    const narrow = new Float32Array(3 * width * rows);
    means(image.width, width).forEach(({ places, weights }, column) => {
      for (let row = 0; row < rows; row++) {
        for (let colour = 0; colour < 3; colour++) {
          let sum = 0;
          for (let i = 0; i < places.length; i++) {
            sum += weights[i] * image.data[4 * (row * image.width + places[i]) + colour];
          }
          narrow[3 * (row * width + column) + colour] = sum;
        }
      }
    });
    const resized = new ImageData(width, height);
    means(rows, height).forEach(({ places, weights }, row) => {
      for (let column = 0; column < width; column++) {
        for (let colour = 0; colour < 3; colour++) {
          let sum = 0;
          for (let i = 0; i < places.length; i++) {
            sum += weights[i] * narrow[3 * (places[i] * width + column) + colour];
          }
          resized.data[4 * (row * width + column) + colour] = sum;
        }
        resized.data[4 * (row * width + column) + 3] = 255;
      }
    });
    return resized;
  };
})();
