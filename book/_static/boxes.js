// Boxes that scroll: say so where something is hidden, and let the keyboard reach them. On a phone
// long code is folded. Paper is light.
'use strict';
(() => {
  const watch = (box) => {
    const update = () => {
      const hidden = box.scrollWidth - box.clientWidth;
      box.classList.toggle('more', box.scrollLeft < hidden - 1);
      if (hidden > 1) box.tabIndex = 0;
      else box.removeAttribute('tabindex');
    };
    box.addEventListener('scroll', update, { passive: true });
    new ResizeObserver(update).observe(box);
  };
  const fold = (input) => {
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    details.className = 'folded';
    summary.textContent = `Show code (${input.dataset.lines} lines)`;
    input.before(details);
    details.append(summary, input);
  };
  const start = () => {
    if (matchMedia('(max-width: 600px)').matches)
      document.querySelectorAll('.cell_input[data-lines]').forEach(fold);
    document.querySelectorAll('.scrolls, .bd-article pre').forEach(watch);
  };
  const data = document.documentElement.dataset;
  let theme;
  addEventListener('beforeprint', () => {
    theme = data.theme;
    data.theme = 'light';
  });
  addEventListener('afterprint', () => {
    data.theme = theme;
  });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
