import type { ElementType } from '../../../src/graph/graph.ts';
import { pieces, type VectorFormat } from './format.ts';

const TYPES: Record<ElementType, string> = {
  uint8: 'uint8_t',
  int8: 'int8_t',
  int32: 'int32_t',
  int64: 'int64_t',
  float32: 'float',
};

/** A float32 as a C constant: the shortest decimal of the double that it is, which C rounds to the same float32. */
function float(value: number): string {
  if (Number.isNaN(value)) return 'NAN';
  if (!Number.isFinite(value)) return value > 0 ? 'INFINITY' : '-INFINITY';
  const text = Object.is(value, -0) ? '-0.0' : String(value);
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

export const c: VectorFormat = {
  name: 'c',
  extension: '.h',
  description: 'a C99 header with one static array',
  *encode({ title, identifier, type, data }) {
    const guard = `${identifier.toUpperCase()}_H`;
    const include = type === 'float32' ? 'math' : 'stdint';
    const text =
      data instanceof Float32Array
        ? (i: number) => float(data[i]!)
        : // the most negative int32 has no constant of its own
          (i: number) => (Number(data[i]) === -0x80000000 ? '-2147483647 - 1' : String(data[i]));
    yield `/* ${title} */\n#ifndef ${guard}\n#define ${guard}\n#include <${include}.h>\n\n`;
    yield `static const ${TYPES[type]} ${identifier}[${data.length}] = {\n`;
    yield* pieces(data.length, (i) => `${text(i)},${i % 16 === 15 ? '\n' : ' '}`);
    yield '};\n\n#endif\n';
  },
};
