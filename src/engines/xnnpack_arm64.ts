import { fixedPointOf, quantizeMultiplier, single } from './fixed_point.ts';
import { fma } from './float32.ts';
import { linearSteps } from './tflite.ts';
import { tfliteBuiltinArm64 } from './tflite_builtin_arm64.ts';
import { createXnnpack, floatLinear, floatScale, type Product } from './xnnpack.ts';
import type { LinearLayer, StepFunctions } from './engine.ts';

/** A float32 scale as it is, and one rounding, half up. */
const exactly: Product = (product, scale) => single(product, quantizeMultiplier(scale));

/** int8 as on x86-64; uint8 by the exact scale. */
function linear(layer: LinearLayer): StepFunctions {
  if (layer.output.type === 'int8') return floatLinear(layer);
  return linearSteps(layer, (channel) => {
    const scale = floatScale(layer, channel);
    const by = quantizeMultiplier(scale);
    return { value: (sum) => single(sum, by), slope: scale, fixed: fixedPointOf(single, by) };
  });
}

/** XNNPACK on ARM: convolutions of int8 have x86-64's bits, those of uint8 and products have not. Measured under emulation. */
export const xnnpackArm64 = createXnnpack(
  {
    name: 'xnnpack-arm64',
    description: 'TensorFlow Lite as it comes, with XNNPACK, on ARM',
    origins: [{ runtime: 'litert-xnnpack', processors: ['arm64-dot', 'arm64'] }],
  },
  { optimized: tfliteBuiltinArm64, linear, product: exactly, multiplyAdd: fma },
);
