// Puts a button where a page has the game of GAN basics. All else is loaded when it is pressed.
"use strict";
(() => {
  // Each needs those before it. Classic scripts, as a page opened from a folder may load no others.
  const PARTS = ["networks", "losses", "optimisers", "game", "plane", "views", "settings", "trained", "live", "draw", "hand", "parts", "slow", "panel"];
  const here = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/\.js.*/, "/");
  const load = (/** @type {HTMLElement} */ node) =>
    new Promise((done, fail) => {
      node.onload = done;
      node.onerror = () => fail(new Error("A file could not be loaded"));
      document.head.append(node);
    });
  let missing = [...PARTS];

  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll('.tutorial-inpage[data-demo="gan_basics"]');
  for (const place of places) {
    const button = document.createElement("button");
    const status = document.createElement("p");
    button.type = "button";
    status.role = "status";
    button.textContent = place.dataset.words ?? "";
    button.onclick = async () => {
      button.disabled = true;
      status.textContent = "Loading …";
      try {
        await load(Object.assign(document.createElement("link"), { rel: "stylesheet", href: here + "panel.css" }));
        for (; missing.length; missing = missing.slice(1)) {
          await load(Object.assign(document.createElement("script"), { src: `${here + missing[0]}.js` }));
        }
        new GamePanel(place, location.hash);
        place.querySelector("button")?.focus({ preventScroll: true });
      } catch (error) {
        status.textContent = `${/** @type {Error} */ (error).message}. Press again to try once more.`;
        button.disabled = false;
      }
    };
    place.replaceChildren(button, status);
    if (location.hash.startsWith("#inpage-gan_basics")) place.scrollIntoView();
  }
})();
