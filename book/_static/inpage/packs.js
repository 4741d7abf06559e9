// Opens a demo, and loads its packs: what it needs beside code, each a script that holds the base64
// of a gzipped safetensors file, since a page that is opened from a folder may read only scripts.
"use strict";
(() => {
  const PARTS = ["engine", "resize", "tiles", "divider", "pictures", "desk"];

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = `${tutorialInPage.here}inpage.css`;

  /** Run what all demos need, and a place's demo. @type {InPage.Shared["open"]} */
  tutorialInPage.open = async (place, status) => {
    const demo = place.dataset.demo ?? "";
    document.head.append(style);
    for (const part of [...PARTS, demo]) await tutorialInPage.script(`${part}.js`);
    await tutorialInPage.demos[demo](place, status);
  };

  /** @type {Record<string, Promise<InPage.Pack>>} */
  const packs = {};

  /**
   * The arrays of a pack, loaded at the first call; half precision has become single.
   * @param {string} name
   * @returns {Promise<InPage.Pack>}
   */
  tutorialInPage.pack = (name) =>
    (packs[name] ??= load(name).catch((error) => {
      delete packs[name];
      throw error;
    }));

  /**
   * Load all that the demo of a place needs, and say how far it is.
   * @param {HTMLElement} place
   * @param {(words: string) => void} say
   * @returns {Promise<Record<string, InPage.Pack>>}
   */
  tutorialInPage.load = async (place, say) => {
    const sizes = Object.entries(JSON.parse(place.dataset.packs ?? "")).filter(
      ([name]) => !name.startsWith("ort-") || name === `ort-${place.dataset.device}`,
    );
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    const total = megabytes(sizes.reduce((sum, [, size]) => sum + size, 0));
    /** @type {Record<string, InPage.Pack>} */
    const loaded = {};
    let bytes = 0;
    for (const [name, size] of sizes) {
      say(`Loading: ${megabytes(bytes)} of ${total} MB are here …`);
      loaded[name] = await tutorialInPage.pack(name);
      bytes += size;
    }
    return loaded;
  };

  /** @param {string} name @returns {Promise<InPage.Pack>} */
  async function load(name) {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser cannot unpack the network: one of 2023 or later can");
    }
    await tutorialInPage.script(`../packs/${name}.js`);
    const gzipped = fromBase64(tutorialInPage.packed[name]);
    delete tutorialInPage.packed[name];
    const stream = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"));
    return parse(await new Response(stream).arrayBuffer());
  }

  /** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
  function fromBase64(text) {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
    return bytes;
  }

  /**
   * Read a safetensors file: the length of its header, the header in JSON, the values.
   * @param {ArrayBuffer} file
   * @returns {InPage.Pack}
   */
  function parse(file) {
    const length = new DataView(file).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
    /** @type {InPage.Pack} */
    const found = {};
    for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const [begin, end] = offsets.map((/** @type {number} */ at) => at + 8 + length);
      const bytes = file.slice(begin, end);
      const data = dtype === "F16" ? fromHalf(new Uint16Array(bytes)) : new Uint8Array(bytes);
      found[name] = { data, dims: shape };
    }
    return found;
  }

  /** @type {Float32Array<ArrayBuffer> | undefined} value of each of the 65,536 half-precision numbers */
  let halves;

  /** @param {Uint16Array} bits of numbers in half precision @returns {Float32Array<ArrayBuffer>} */
  function fromHalf(bits) {
    halves ??= Float32Array.from({ length: 65536 }, (_, half) => {
      const sign = half >> 15 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = (half & 1023) / 1024;
      if (exponent === 31) return fraction ? NaN : sign * Infinity;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
    });
    const values = new Float32Array(bits.length);
    for (let i = 0; i < bits.length; i++) values[i] = halves[bits[i]];
    return values;
  }
})();
