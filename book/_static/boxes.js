// Boxes that scroll: say so where something is hidden, and let the keyboard reach them. On a phone
// long code is folded, and so are sections that can be skipped; a link or a search that points into
// one unfolds it. Paper is light, and shows all.
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
    // What is inside grows, and the box does not, when a font arrives.
    document.fonts.addEventListener('loadingdone', update);
  };
  const fold = (parts, label) => {
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    details.className = 'folded';
    summary.textContent = label;
    parts[0].before(details);
    details.append(summary, ...parts);
  };
  const foldCode = (input) => fold([input], `Show code (${input.dataset.lines} lines)`);
  const foldSection = (section) => {
    const note = section.querySelector(':scope > .deeper-note');
    const parts = [...section.children];
    const rest = parts.slice(parts.indexOf(note) + 1);
    if (rest.length) fold(rest, 'Show this section');
  };
  const unfold = (node) => {
    const found = [];
    for (let at = node.closest('details'); at; at = at.parentElement.closest('details'))
      found.push(at);
    if (node.matches('section')) found.push(...node.querySelectorAll(':scope > details.folded'));
    const closed = found.filter((details) => !details.open);
    for (const details of closed) details.open = true;
    return closed.length > 0;
  };
  const follow = (address) => {
    const node = document.getElementById(decodeURIComponent(address.slice(1)));
    if (node && unfold(node)) node.scrollIntoView();
  };
  const start = () => {
    if (matchMedia('(max-width: 600px)').matches) {
      document.querySelectorAll('.cell_input[data-lines]').forEach(foldCode);
      document.querySelectorAll('section.deeper').forEach((section) => {
        if (!section.parentElement.closest('section.deeper')) foldSection(section);
      });
    }
    document.querySelectorAll('.scrolls, .bd-article pre').forEach(watch);
    follow(location.hash);
  };
  addEventListener('hashchange', () => follow(location.hash));
  addEventListener('click', ({ target }) => {
    const link = target.closest('a[href^="#"]');
    if (link) follow(link.getAttribute('href'));
  });
  addEventListener('load', () => document.querySelectorAll('.highlighted').forEach(unfold));
  const data = document.documentElement.dataset;
  let theme;
  let closed = [];
  addEventListener('beforeprint', () => {
    theme = data.theme;
    data.theme = 'light';
    closed = [...document.querySelectorAll('details.folded:not([open])')];
    for (const details of closed) details.open = true;
  });
  addEventListener('afterprint', () => {
    data.theme = theme;
    for (const details of closed) details.open = false;
  });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
