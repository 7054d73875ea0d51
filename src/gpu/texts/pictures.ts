/** Shaders that make tensors of pictures, and look at inputs that are on the GPU. */
export const TEXTS = import.meta.glob<string>('../../../shaders/{picture_*,find_*,shared/float64}.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
