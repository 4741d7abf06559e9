// How a picture is cut into tiles: all of one size, so that a network is compiled once, and
// overlapping, so that no seam is seen where two answers meet.
"use strict";
(() => {
  const LONGEST = 128; // pixels of a tile's side, before enlargement
  const OVERLAP = 16; // pixels around what is kept of a tile, but for the picture's own borders

  /**
   * @param {number} length pixels of the line
   * @returns {InPage.Cut[]}
   */
  function cuts(length) {
    const count =
      length <= LONGEST ? 1 : Math.ceil((length - 2 * OVERLAP) / (LONGEST - 2 * OVERLAP));
    const size = Math.ceil((length + (count - 1) * 2 * OVERLAP) / count);
    const from = Array.from({ length: count }, (_, i) =>
      count === 1 ? 0 : Math.round((i * (length - size)) / (count - 1)),
    );
    // Two neighbours meet in the middle of what both see.
    const meet = from.slice(1).map((start, i) => (from[i] + size + start) >> 1);
    return from.map((start, i) => ({
      from: start,
      size,
      first: i ? meet[i - 1] : 0,
      last: i < count - 1 ? meet[i] : length,
    }));
  }

  /**
   * The tiles of a picture, row by row.
   * @param {number} width
   * @param {number} height
   * @returns {InPage.Tile[]}
   */
  tutorialInPage.tiles = (width, height) =>
    cuts(height).flatMap((y) => cuts(width).map((x) => ({ x, y })));

  /**
   * What a network sees of a picture: red, green and blue apart, from 0 to 1.
   * @param {ImageData} image
   * @param {InPage.Tile} tile
   * @returns {Float32Array} (3, height, width) of the tile
   */
  tutorialInPage.cutOut = (image, { x, y }) => {
    const area = x.size * y.size;
    const planes = new Float32Array(3 * area);
    for (let row = 0; row < y.size; row++) {
      for (let column = 0; column < x.size; column++) {
        const pixel = 4 * ((y.from + row) * image.width + x.from + column);
        for (let colour = 0; colour < 3; colour++) {
          planes[colour * area + row * x.size + column] = image.data[pixel + colour] / 255;
        }
      }
    }
    return planes;
  };

  /**
   * Draw what is kept of a network's answer to a tile.
   * @param {CanvasRenderingContext2D} context of the whole answer
   * @param {Float32Array} planes (3, scale · height, scale · width), from 0 to 1
   * @param {InPage.Tile} tile
   * @param {number} scale how many times as long the answer's sides are
   */
  tutorialInPage.putBack = (context, planes, { x, y }, scale) => {
    const width = (x.last - x.first) * scale;
    const height = (y.last - y.first) * scale;
    const left = (x.first - x.from) * scale;
    const top = (y.first - y.from) * scale;
    const area = x.size * y.size * scale ** 2;
    const kept = new ImageData(width, height);
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < width; column++, at += 4) {
        const pixel = (top + row) * x.size * scale + left + column;
        // Clamped and rounded, to the even one of two halves, as PyTorch does.
        for (let colour = 0; colour < 3; colour++) {
          kept.data[at + colour] = 255 * planes[colour * area + pixel];
        }
        kept.data[at + 3] = 255;
      }
    }
    context.putImageData(kept, x.first * scale, y.first * scale);
  };

  /**
   * Put what is kept of a network's answer to a tile into the whole answer.
   * @param {InPage.Planes} whole
   * @param {Float32Array} planes as of putBack
   * @param {InPage.Tile} tile
   * @param {number} scale
   */
  tutorialInPage.paste = (whole, planes, { x, y }, scale) => {
    const width = x.size * scale;
    const area = width * y.size * scale;
    for (let colour = 0; colour < 3; colour++) {
      for (let row = y.first * scale; row < y.last * scale; row++) {
        const from = colour * area + (row - y.from * scale) * width;
        const kept = planes.subarray(
          from + (x.first - x.from) * scale,
          from + (x.last - x.from) * scale,
        );
        whole.data.set(kept, (colour * whole.height + row) * whole.width + x.first * scale);
      }
    }
  };

  /**
   * A picture as canvases take it: clamped and rounded, to the even one of two halves.
   * @param {InPage.Planes} planes
   */
  tutorialInPage.toImage = ({ data, width, height }) => {
    const image = new ImageData(width, height);
    const area = width * height;
    for (let i = 0; i < area; i++) {
      for (let colour = 0; colour < 3; colour++) {
        image.data[4 * i + colour] = 255 * data[colour * area + i];
      }
      image.data[4 * i + 3] = 255;
    }
    return image;
  };
})();
