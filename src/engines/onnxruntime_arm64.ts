import { byteRange } from '../graph/graph.ts';
import { fma } from './float32.ts';
import { onnxruntime, realAdd } from './onnxruntime.ts';
import { productByRatio, softmaxInDoubles } from './onnxruntime_x64.ts';
import { BLANK, productsOf } from './pairs.ts';
import { fixedPoint, integerAdd } from './qnnpack.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import type { Engine, SumsLayer } from './engine.ts';

/** Multipliers that are rounded up to here are not taken. */
const MULTIPLIER_END = 2 ** 22;

/** Bytes of a 64-bit register. */
const LANES = 8;

/** In each run of products, those that lie a register apart: (0,8), (1,9) ... (7,15), (16,24) ... */
function registersOf(products: number, run: number): number[] {
  const slots: number[] = [];
  for (let first = 0; first < products; first += run)
    for (let k = first; k < first + run; k += (k - first) % LANES === LANES - 1 ? LANES + 1 : 1)
      slots.push(k, k + LANES < first + run ? k + LANES : BLANK);
  return slots;
}

/** Taps of a depthwise layer, two at a time; nine of them, of whole pairs of registers of channels, by a kernel of its own. */
function tapsOf(taps: number, channels: number): number[] {
  if (taps === 9 && channels % (2 * LANES) === 0) return [0, 2, 1, 3, 4, 6, 5, 7, 8, BLANK];
  return Array.from({ length: taps + (taps % 2) }, (_, k) => (k < taps ? k : BLANK));
}

/**
 * Which products MLAS adds in pairs, in int16: its kernels for int8 weights multiply a register of bytes at a time, add the
 * products of the next, and only then widen. Undefined where each product is widened. Read in MLAS, and probed pair by pair.
 *
 * @param dotProduct has the processor an instruction for it? Then only depthwise layers have pairs.
 */
function slotsOf(layer: SumsLayer, dotProduct: boolean): number[] | undefined {
  const { op, input, groups, kernel, weightType, weightZeroPoint } = layer;
  if (weightType !== 'int8') return undefined;
  const isSymmetric = weightZeroPoint.every((zero) => zero === 0);
  const [inputs, outputs] = [layer.inputChannels / groups, layer.outputChannels / groups];
  const taps = kernel[0] * kernel[1];
  const products = productsOf(layer);
  if (op === 'conv' && inputs === 1 && outputs === 1)
    return isSymmetric && groups % LANES === 0 ? tapsOf(taps, groups) : undefined;
  if (dotProduct) return undefined;
  if (op === 'conv' && isSymmetric) {
    const isDirect = groups === 1 && taps > 1 && inputs >= 64 && inputs % LANES === 0 && outputs % LANES === 0;
    if (isDirect) return registersOf(products, inputs);
    if (input.type === 'int8') return undefined;
  }
  return registersOf(products, products);
}

function create(about: Pick<Engine, 'name' | 'description' | 'origins'>, dotProduct: boolean): Engine {
  // in which order it interpolates is not known
  const { interpolate: _, ...web } = onnxruntime;
  return {
    ...web,
    // in what order its floats are summed is not known
    float32: undefined,
    ...about,
    rewrite: 'onnxruntime-int8',
    multiplyAdd: fma,
    contracted: fma,

    accumulation(layer) {
      const slots = slotsOf(layer, dotProduct);
      return slots ? { slots: Int32Array.from(slots), overflow: 'wraps', outside: 'zero point' } : 'exact';
    },

    // QNNPACK's integer add; where its multipliers do not hold the ratios of the scales, the web build's, one product of
    // which the compiler has contracted with the sum: that of a, or of b where a is one value along the innermost axis
    add(layer) {
      const { a, b, output, swapped } = layer;
      const numbers = fixedPoint(f32(a.scale / output.scale), f32(b.scale / output.scale));
      if (numbers && Math.max(...numbers.multipliers) < MULTIPLIER_END)
        return { body: integerAdd(layer, numbers, byteRange(output.type)) };
      if (!swapped) return { body: realAdd(layer, fma) };
      const body = realAdd({ ...layer, a: b, b: a }, fma);
      return { body: (x, y) => body(y, x) };
    },

    // y = rne(fma((a-zA)(b-zB), R, zC)), R = f32(f32(sA*sB)/sC)
    multiply(layer) {
      const [min, max] = byteRange(layer.output.type);
      const product = productByRatio(layer, fma);
      return (x, y) => clamp(roundHalfEven(product(x, y)), min, max);
    },

    softmax: softmaxInDoubles,

    // a float32 ReduceMean is summed in vectors, in an order that depends on where the tensor lies in memory
    averagePool: (layer) => (layer.op === 'ReduceMean' ? undefined : onnxruntime.averagePool!(layer)),
  };
}

/**
 * onnxruntime on 64-bit ARM processors with the dot product instruction (ARMv8.2 and later). Measured on onnxruntime 1.32
 * under emulation, one thread.
 */
export const onnxruntimeArm64 = create(
  {
    name: 'onnxruntime-arm64',
    description:
      'onnxruntime on 64-bit ARM with the dot product: int8 models in integers; pairs of -128 wrap in depthwise layers',
    origins: [{ runtime: 'onnxruntime', processors: ['arm64-dot'] }],
  },
  true,
);

/** The same on processors without it. */
export const onnxruntimeArm64NoDot = create(
  {
    name: 'onnxruntime-arm64-nodot',
    description:
      'onnxruntime on 64-bit ARM without the dot product (Cortex-A53, A72): pairs of -128 wrap in most layers',
    origins: [{ runtime: 'onnxruntime', processors: ['arm64'] }],
  },
  false,
);
