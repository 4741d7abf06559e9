// Puts a button where a page has a network to try.
"use strict";
(() => {
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const here = src.replace(/loader\.js.*/, "");
  /** @type {Record<string, Promise<unknown>>} */
  const scripts = {};
  // Run a script, given from this one's folder, once.
  const script = (/** @type {string} */ path) =>
    (scripts[path] ??= new Promise((done, fail) => {
      const tag = document.createElement("script");
      tag.src = here + path;
      tag.onload = done;
      tag.onerror = () => {
        delete scripts[path];
        fail(Error(`${path.split("/").pop()} could not be loaded`));
      };
      document.head.append(tag);
    }));
  window.tutorialInPage = { packed: {}, demos: {}, here, script };

  for (const node of document.querySelectorAll(".tutorial-inpage[data-packs]")) {
    const place = /** @type {HTMLElement} */ (node);
    const { words, packs } = place.dataset;
    const { "ort-wasm": wasm, "ort-webgpu": webgpu, ...own } = JSON.parse(packs ?? "");
    const button = document.createElement("button");
    const status = document.createElement("p");
    status.role = "status";
    const label = (/** @type {string} */ device, bytes = 0) => {
      place.dataset.device = device;
      for (const name in own) bytes += own[name];
      button.textContent = `${words} (loads ${(bytes / 1e6).toFixed(1)} MB)`;
    };
    label("wasm", wasm);
    navigator.gpu?.requestAdapter().then((is) => is && label("webgpu", webgpu), () => {});
    let busy = false;
    button.onclick = async () => {
      if (busy) return;
      busy = true;
      status.textContent = "Loading …";
      try {
        await script("packs.js");
        await tutorialInPage.open(place, status);
        button.remove();
      } catch (error) {
        status.textContent = `${Object(error).message}. Press again to try once more.`;
        busy = false;
      }
    };
    place.replaceChildren(button, status);
  }
})();
