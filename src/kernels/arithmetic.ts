import type { Float32Function } from '../engines/engine.ts';
import type { Joined } from '../join/joined.ts';
import type { Layer } from '../layers/layer.ts';
import type { Target } from './target.ts';

/** Layers that are computed in float32: devices are asked how they do that where a model has some. */
const FLOAT32 = [
  'add_float32',
  'conv_float32',
  'conv_transpose_float32',
  'dynamic_quantize',
  'function',
  'operation',
  'pool_float32',
  'range_parameter',
  'resize_linear_float32',
  'softmax_float32',
] as const;

export const isFloat32 = ({ core, epilogue }: Joined): boolean =>
  (FLOAT32 as readonly string[]).includes(core.kind) || epilogue?.kind === 'scaled';

/** How shaders compute in float32: by the device's own arithmetic, where it was found to be IEEE's, or by integers. */
export const arithmetic = (
  _: Layer<(typeof FLOAT32)[number]>,
  { features }: Target,
): { readonly arithmetic: string } => ({
  arithmetic: features.float32 ? 'arithmetic/native' : 'arithmetic/integers',
});

/** How sums become float32. */
export const castSlot = ({ features }: Target): { readonly cast: string } => ({
  cast: features.float32 ? 'cast/native' : 'cast/integers',
});

/** The same of values of which none is subnormal or infinite. */
export const moderate = ({ features }: Target): { readonly moderate: string } => ({
  moderate: features.float32 ? 'moderate/native' : 'moderate/integers',
});

/** Values of float32 as shaders read them. */
export const bitsOf = (values: readonly number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

/** What the shader of a function reads. */
export const constantsOf = ({ constants }: Float32Function): Uint32Array[] =>
  constants.length > 0 ? [bitsOf(constants)] : [];
