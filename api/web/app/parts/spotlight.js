// A ring around a part of the page, wherever the page draws it again: for what a guide points at.

import { useEffect } from 'preact/hooks';

const MARK = 'data-spotlight';

/**
 * Marks the first element that any of the selectors finds, and brings it into view when it is a new one.
 * @param {string[]} selectors the one that counts most first
 */
export function useSpotlight(selectors) {
  const wanted = selectors.join('\n');
  useEffect(() => {
    const place = document.getElementById('content') ?? document.body;
    /** @type {Element | null} */
    let marked = null;
    let seen = '';
    const look = () => {
      const selector = selectors.find((one) => place.querySelector(one)) ?? '';
      const found = selector ? place.querySelector(selector) : null;
      if (found !== marked) {
        marked?.removeAttribute(MARK);
        marked = found;
      }
      found?.setAttribute(MARK, '');
      if (found && selector !== seen) found.scrollIntoView({ block: 'nearest' });
      seen = selector;
    };
    const observer = new MutationObserver(look);
    // An element may also become another part of the page by its class.
    observer.observe(place, { childList: true, subtree: true, attributeFilter: ['class'] });
    look();
    return () => {
      observer.disconnect();
      marked?.removeAttribute(MARK);
    };
  }, [wanted]);
}
