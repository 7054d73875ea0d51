/* global navigator, location, performance, document, matchMedia */
// In every page: what was seen once is there without a network.
const root = new URL('.', import.meta.url);

async function keep() {
  await navigator.serviceWorker.register(new URL('worker.js', root), { scope: root.pathname, type: 'classic' });
  const { active } = await navigator.serviceWorker.ready;
  // what this page loaded before the worker was there
  active.postMessage([location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)]);
}

if ('serviceWorker' in navigator && location.protocol !== 'file:') void keep();

// on a narrow screen the list of pages would hide the text
const pages = document.querySelector('nav details');
if (pages && matchMedia('(max-width: 48rem)').matches) pages.open = false;
