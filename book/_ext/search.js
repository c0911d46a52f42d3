// Search: chapters and the glossary come before other pages, these before the reference, and its names
// last. What is shown of a page has each formula once, as a reader sees it, not as TeX.
// Sphinx puts this file where its own search looks for a scorer (`html_search_scorer`).
const TIERS = [[/^notebooks\/|^book\/glossary$/, 300], [/^book\/(?!api)/, 200], [/./, 100]];
var Scorer = {
  score: ([page, , , description, score]) => {
    const tier = description ? 0 : TIERS.find(([pages]) => pages.test(page))[1];
    return tier + Math.max(0, Math.min(score, 99));
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
document.addEventListener('DOMContentLoaded', () => {
  const hidden = '.headerlink, script, style, template, .katex-mathml, .notebook-links, .copybtn';
  Search.htmlToText = (text, anchor) => {
    const page = new DOMParser().parseFromString(text, 'text/html');
    for (const part of page.querySelectorAll(hidden)) part.remove();
    const whole = page.querySelector('article') ?? page.querySelector('[role="main"]');
    const part = anchor ? page.getElementById(anchor.slice(1)) : null;
    return (part ?? whole)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  };
});
