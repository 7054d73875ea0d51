/** Shaders for adapters that compute on the processor. */
export const TEXTS = import.meta.glob<string>('../../../shaders/software/**/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
