// Any picture of a chapter as large as the screen: by a click, a tap, or Enter where it has the focus.
"use strict";
(() => {
  // Where a press means something else already.
  const APART = "a, button, .tutorial-compare, .tutorial-inpage, .tutorial-game";

  /** @param {unknown} what @returns {HTMLImageElement | null} a picture that can be opened */
  const picture = (what) =>
    what instanceof HTMLImageElement && what.matches(".bd-article img:not([hidden])") && !what.closest(APART)
      ? what
      : null;

  const dialog = document.createElement("dialog");
  const shown = document.createElement("img");
  const close = document.createElement("button");
  dialog.className = "lightbox";
  close.type = "button";
  close.textContent = "close";
  dialog.append(shown, close);
  dialog.addEventListener("click", () => dialog.close());

  /** @param {HTMLImageElement} image */
  const open = (image) => {
    dialog.ariaLabel = image.alt;
    shown.alt = image.alt;
    shown.src = image.currentSrc || image.src;
    // Pixels that are looked at one by one stay pixels; figures keep their ground in the dark.
    shown.style.imageRendering = getComputedStyle(image).imageRendering;
    shown.className = image.className;
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
  };

  document.addEventListener("click", ({ target }) => {
    const image = picture(target);
    if (image) open(image);
  });
  document.addEventListener("keydown", (event) => {
    const image = event.key === "Enter" && picture(event.target);
    if (!image) return;
    event.preventDefault(); // or the same press would close it again
    open(image);
  });

  // Sliders come with their pictures later than the page.
  /** @param {ParentNode} part */
  const reach = (part) =>
    part.querySelectorAll("img").forEach((image) => {
      if (picture(image)) image.tabIndex = 0;
    });
  addEventListener("DOMContentLoaded", () => {
    reach(document);
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) if (node instanceof Element && node.parentNode) reach(node.parentNode);
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
