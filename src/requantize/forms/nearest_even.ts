import { clamp, f32, roundHalfEven } from '../../engines/rounding.ts';
import type { FloatLine } from '../../engines/engine.ts';
import type { FormParameters, RequantizeForm } from '../form.ts';

/** Integers below this are float32 values. */
const EXACT = 2 ** 24;
/** Smaller scales could make products that a device flushes to zero, larger ones products that are infinite. */
const LEAST_SCALE = 2 ** -64;
const MOST_SCALE = 2 ** 64;

/**
 * The engine's own float32 arithmetic, where it is a sum, a product and a rounding: three roundings to nearest,
 * ties to even. WGSL leaves the direction of rounding open, so only devices that were found to round so
 * (Features.nearestEven) may use it.
 *
 * Parameters: bias, scale, least and most value before the zero point (codes), zero point.
 */
export const nearestEven: RequantizeForm = {
  name: 'nearest_even',
  formula: 'rne(clamp(f32(f32(acc + bias) * scale))) + zero in f32',
  buffers: ['parameters'],
  words: 3,
  table: false,
  needs: 'nearestEven',
  fit: ({ lo, hi }, _slope, line) => line && ofLine(line, lo, hi),
  ofLine,
  evaluate([bias, scale, least, most, zeroPoint], _channel, accumulator) {
    const value = f32(f32(accumulator + bias!) * scale!);
    return roundHalfEven(clamp(value, least!, most!)) + zeroPoint!;
  },
  pack: packLines,
};

function ofLine(line: FloatLine, lo: number, hi: number): FormParameters | undefined {
  const { bias, scale, zeroPoint, least, most } = line;
  if (!(scale >= LEAST_SCALE && scale <= MOST_SCALE)) return undefined;
  if (!(Math.max(-lo, hi, Math.abs(bias)) < EXACT)) return undefined;
  return [f32(bias), f32(scale), least - zeroPoint, most - zeroPoint, zeroPoint];
}

/** 0x4b400000 are SHIFT's bits, in each of four bytes' places. */
const SHIFT_BITS = 0x4b400000;
const BYTES = 0x01010101;

/** [group of 4 channels] of (least, most, rest, -), 4 biases, 4 scales, as the shader reads it. */
function packLines(channels: readonly FormParameters[]): Int32Array[] {
  const floats = new Float32Array(Math.ceil(channels.length / 4) * 12);
  const words = new Int32Array(floats.buffer);
  for (const [channel, [bias, scale, least, most, zeroPoint]] of channels.entries()) {
    const at = (channel >> 2) * 12;
    floats[at] = least!;
    floats[at + 1] = most!;
    words[at + 2] = Math.imul(zeroPoint! - SHIFT_BITS, BYTES);
    floats[at + 4 + (channel & 3)] = bias!;
    floats[at + 8 + (channel & 3)] = scale!;
  }
  return [words];
}
