// Fetch the frames of the page's sliders once everything else is there, one after the other, so that
// a slider answers at once. A reader who asked the browser to save data fetches what is looked at.
addEventListener("load", () => {
  const state = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
  if (!state || navigator.connection?.saveData) return;
  const frames = new Set(state.textContent.match(/[./]*_images\/embedded-\w+\.\w+/g));
  const kept = (window.tutorialFrames = []); // a frame that nothing holds would be fetched again
  const next = ([frame, ...rest]) => {
    if (!frame) return;
    const image = new Image();
    image.onload = image.onerror = () => next(rest);
    image.fetchPriority = "low";
    image.src = frame;
    kept.push(image);
  };
  (window.requestIdleCallback ?? setTimeout)(() => next([...frames]));
});
