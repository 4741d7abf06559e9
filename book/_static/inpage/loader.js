// Puts a button where a page has a network to try. All else is loaded when it is pressed.
"use strict";
(() => {
  const PARTS = ["packs", "engine", "resize", "tiles", "divider", "pictures"];
  const here = document.currentScript.src.replace(/loader\.js.*/, "");
  const scripts = {};
  // Run a script of the site, given from this one's folder, once.
  const script = (path) =>
    (scripts[path] ??= new Promise((done, fail) => {
      const tag = document.createElement("script");
      tag.src = here + path;
      tag.onload = done;
      tag.onerror = () => {
        delete scripts[path];
        fail(new Error(`${path.split("/").pop()} could not be loaded`));
      };
      document.head.append(tag);
    }));
  const { demos } = (window.tutorialInPage = { packed: {}, demos: {}, here, script });

  for (const place of document.querySelectorAll(".tutorial-inpage[data-packs]")) {
    const { demo, words, packs } = place.dataset;
    const { "ort-wasm": wasm, "ort-webgpu": webgpu, ...own } = JSON.parse(packs);
    const button = document.createElement("button");
    const status = document.createElement("p");
    status.role = "status";
    const label = (device, engine) => {
      place.dataset.device = device;
      const bytes = Object.values(own).reduce((a, b) => a + b, engine);
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
        for (const part of [...PARTS, demo]) await script(part + ".js");
        await demos[demo](place, status);
        button.remove();
      } catch (error) {
        status.textContent = `${error.message}. Press again to try once more.`;
        busy = false;
      }
    };
    place.replaceChildren(button, status);
  }
})();
