// What the page measures of a picture whose truth is known: the distance from it, and the spectrum.
"use strict";
(() => {
  const CROP = 4; // pixels that are left out along each border, as PIRM's rules have it
  const LARGEST = 256; // pixels of the side of the square whose spectrum is taken

  /**
   * Luma as MATLAB's rgb2ycbcr gives it, from 16 to 235.
   * @param {ImageData} image
   */
  function luma({ data, width, height }) {
    const found = new Float64Array(width * height);
    for (let i = 0; i < found.length; i++) {
      const [red, green, blue] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]];
      found[i] = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255;
    }
    return found;
  }

  /**
   * Root of the mean squared difference of rounded luma, in grey levels: `metrics.rmse` with the
   * protocol `metrics.PIRM`.
   * @param {ImageData} image
   * @param {ImageData} truth of the same size
   */
  tutorialInPage.rmse = (image, truth) => {
    const { width, height } = truth;
    const [ours, theirs] = [luma(image), luma(truth)];
    let sum = 0;
    for (let row = CROP; row < height - CROP; row++) {
      for (let column = CROP; column < width - CROP; column++) {
        const i = row * width + column;
        sum += (Math.round(ours[i]) - Math.round(theirs[i])) ** 2;
      }
    }
    return Math.sqrt(sum / ((width - 2 * CROP) * (height - 2 * CROP)));
  };

  /**
   * The Fourier transform of a line of 2ᵏ numbers, in place.
   * @param {Float64Array} re real parts
   * @param {Float64Array} im imaginary parts
   */
  function transform(re, im) {
    const count = re.length;
    for (let i = 1, j = 0; i < count; i++) {
      let bit = count >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let length = 2; length <= count; length *= 2) {
      const half = length / 2;
      for (let k = 0; k < half; k++) {
        const cos = Math.cos((-2 * Math.PI * k) / length);
        const sin = Math.sin((-2 * Math.PI * k) / length);
        for (let a = k; a < count; a += length) {
          const b = a + half;
          const real = re[b] * cos - im[b] * sin;
          const imaginary = re[b] * sin + im[b] * cos;
          [re[b], im[b]] = [re[a] - real, im[a] - imaginary];
          re[a] += real;
          im[a] += imaginary;
        }
      }
    }
  }

  /**
   * Energy of luma by frequency, in the picture's middle: the squared Fourier transform of the
   * largest square of 2ᵏ pixels under a Hann window, averaged over rings about frequency zero.
   * @param {ImageData} image
   * @returns {[number, number][]} for each ring, cycles a pixel in its middle, and mean energy in
   * squared grey levels for each pixel of the square
   */
  tutorialInPage.spectrum = (image) => {
    const side = Math.min(LARGEST, 2 ** Math.floor(Math.log2(Math.min(image.width, image.height))));
    const left = (image.width - side) >> 1;
    const top = (image.height - side) >> 1;
    const grey = luma(image);
    const hann = Array.from({ length: side }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / side));
    const rows = Array.from({ length: side }, (_, row) =>
      grey.slice((top + row) * image.width + left, (top + row) * image.width + left + side),
    );
    const mean = rows.reduce((sum, row) => sum + row.reduce((a, b) => a + b), 0) / side ** 2;
    const lines = rows.map((row, y) => {
      const re = row.map((value, x) => (value - mean) * hann[x] * hann[y]);
      const im = new Float64Array(side);
      transform(re, im);
      return { re, im };
    });
    const count = Math.max(1, side / 8);
    const rings = Array.from({ length: count }, () => ({ sum: 0, places: 0 }));
    for (let x = 0; x < side; x++) {
      const re = Float64Array.from(lines, (line) => line.re[x]);
      const im = Float64Array.from(lines, (line) => line.im[x]);
      transform(re, im);
      for (let y = 0; y < side; y++) {
        const radius = Math.hypot(Math.min(x, side - x), Math.min(y, side - y)) / side;
        const ring = rings[Math.floor(radius * 2 * count)];
        if (!ring) continue; // beyond half a cycle a pixel, in the corners
        ring.sum += re[y] ** 2 + im[y] ** 2;
        ring.places++;
      }
    }
    return rings.map(({ sum, places }, i) => [(i + 0.5) / 2 / count, sum / places / side ** 2]);
  };
})();
