// Terms: a link to the glossary shows its definition while the pointer or the keyboard is on it. On a
// touch screen the first tap shows it, and a link in it goes on. Escape closes it. Without this
// script the link leads to the glossary, as it says.
'use strict';
(() => {
  let box;
  let term;
  let waiting;
  let touched = false;
  const close = () => {
    clearTimeout(waiting);
    box?.remove();
    term?.removeAttribute('aria-describedby');
    term?.removeAttribute('aria-expanded');
    box = term = undefined;
  };
  const place = () => {
    const line = term.getClientRects()[0];
    const width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(line.left, width - box.offsetWidth - 8));
    const below = line.bottom + box.offsetHeight + 12 < innerHeight || line.top < box.offsetHeight;
    const top = below ? line.bottom + 6 : line.top - box.offsetHeight - 6;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${top + scrollY}px`;
  };
  const open = (link, { onward }) => {
    if (link === term) return;
    close();
    const name = link.hash.slice(1);
    const all = document.getElementById('definitions');
    const said = all?.content.querySelector(`[data-term="${CSS.escape(name)}"]`);
    if (!said) return;
    term = link;
    box = document.createElement('div');
    box.className = 'term-box'; // 'definition' is a kind of theorem
    box.id = 'definition';
    box.append(said.cloneNode(true));
    if (onward) {
      const more = document.createElement('a');
      more.href = link.href;
      more.textContent = 'Read it in the glossary';
      box.append(more);
      box.setAttribute('role', 'dialog');
      box.setAttribute('aria-label', `Definition of ${box.querySelector('b').textContent}`);
      box.tabIndex = -1;
      link.setAttribute('aria-expanded', 'true');
    } else {
      box.setAttribute('role', 'tooltip');
      link.setAttribute('aria-describedby', 'definition');
    }
    box.addEventListener('mouseenter', () => clearTimeout(waiting));
    box.addEventListener('mouseleave', later);
    document.body.append(box);
    place();
  };
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(close, 250);
  };
  const linked = (event) => event.target.closest?.('a.term');
  addEventListener('pointerdown', (event) => {
    touched = event.pointerType === 'touch';
    if (box && !box.contains(event.target) && !linked(event)) close();
  });
  addEventListener('pointerover', (event) => {
    const link = linked(event);
    if (!link || event.pointerType === 'touch') return;
    clearTimeout(waiting);
    waiting = setTimeout(() => open(link, { onward: false }), 120);
  });
  addEventListener('pointerout', (event) => {
    if (linked(event) && event.pointerType !== 'touch') later();
  });
  addEventListener('focusin', (event) => {
    const link = linked(event);
    if (link && !touched) open(link, { onward: false });
  });
  addEventListener('focusout', (event) => {
    if (linked(event) && !touched) close();
  });
  addEventListener('click', (event) => {
    const link = linked(event);
    if (!link || !touched) return;
    event.preventDefault();
    if (link === term) close();
    else {
      open(link, { onward: true });
      box?.focus({ preventScroll: true });
    }
  });
  addEventListener('keydown', (event) => {
    touched = false;
    if (event.key !== 'Escape' || !box) return;
    const back = box.contains(document.activeElement) ? term : undefined;
    close();
    back?.focus({ preventScroll: true });
  });
  addEventListener('resize', close);
})();
