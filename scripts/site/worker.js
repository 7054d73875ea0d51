/* global self, caches, fetch */
// The site without a network: all its pages from the first visit on, and of the lab what was loaded.
const NAME = 'exact8 VERSION';
const FILES = ['FILES'];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)));
  self.skipWaiting();
});

self.addEventListener('activate', (event) => {
  const others = async () => {
    for (const name of await caches.keys()) if (name.startsWith('exact8 ') && name !== NAME) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(others());
});

const own = (url) => new URL(url).origin === self.location.origin;

self.addEventListener('message', (event) => {
  const keep = async () => {
    const cache = await caches.open(NAME);
    for (const url of event.data.filter(own))
      if (!(await cache.match(url, { ignoreSearch: true }))) await cache.add(url);
  };
  event.waitUntil(keep());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !own(request.url)) return;
  const answer = async () => {
    const cache = await caches.open(NAME);
    // the lab's states differ behind the question mark alone
    const kept = await cache.match(request, { ignoreSearch: request.mode === 'navigate' });
    if (kept) return kept;
    const response = await fetch(request);
    if (response.status === 200) await cache.put(request, response.clone());
    return response;
  };
  event.respondWith(answer());
});
