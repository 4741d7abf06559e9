// ipywidgets still calls one function of MathJax 2, which MathJax 3 no longer has. Without it a
// widget on a page with equations is not drawn. Labels in this book hold no equations.
window.MathJax = window.MathJax || {};
window.MathJax.Hub = { Queue() {} };
(window.MathJax.startup = window.MathJax.startup || {}).ready = () => {
  window.MathJax.Hub = { Queue() {} };
  window.MathJax.startup.defaultReady();
};
