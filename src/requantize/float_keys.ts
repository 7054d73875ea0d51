/**
 * float32 values as int32 keys in the same order: negative numbers have all bits but the sign flipped.
 * A function that is non-decreasing in x is non-decreasing in the key, so a quantize is a requantization
 * of keys. (-0 is -1 and +0 is 0, which every engine maps to the same code.)
 */
const bits = new Int32Array(1);
const value = new Float32Array(bits.buffer);

export function floatOfKey(key: number): number {
  bits[0] = key < 0 ? key ^ 0x7fffffff : key;
  return value[0]!;
}

export function keyOfFloat(x: number): number {
  value[0] = x;
  return bits[0]! < 0 ? bits[0]! ^ 0x7fffffff : bits[0]!;
}
