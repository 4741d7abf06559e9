// Two things that MathJax 3 lacks here, set before it starts.
//
// ipywidgets still calls one function of MathJax 2. Without it a widget on a page with equations is
// not drawn. Labels in this book hold no equations, so that it need not do anything.
//
// An equation that is wider than the page scrolls, and must be reachable by keyboard to do so.
window.MathJax = window.MathJax || {};
window.MathJax.Hub = { Queue() {} };
(window.MathJax.startup = window.MathJax.startup || {}).ready = () => {
  window.MathJax.Hub = { Queue() {} };
  window.MathJax.startup.defaultReady();
  window.MathJax.startup.promise.then(() => {
    for (const equation of document.querySelectorAll("mjx-container[display]")) {
      if (equation.scrollWidth > equation.clientWidth) equation.tabIndex = 0;
    }
  });
};
