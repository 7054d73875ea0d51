import { readFileSync } from 'node:fs';
import { openNpz, type Npz } from '../../harness/numpy/npz.ts';
import type { NpyArray } from '../../harness/numpy/npy.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';

/** 456 models of one operator each, and what LiteRT 2.3 gave for them in each of its kernel sets. */
export const TFLITE_OPERATORS = '../shared/goldens/operators/tflite.npz';

/** Each kernel set of the recordings, and the engine that has its arithmetic. */
export const KERNEL_SETS = {
  tflite: 'reference',
  'tflite-builtin': 'builtin',
  'tflite-builtin-arm64': 'arm64_builtin',
  xnnpack: 'xnnpack',
  'xnnpack-arm64': 'arm64_xnnpack',
} as const;

export interface RecordedOperator {
  readonly name: string;
  readonly op: string;
  readonly bytes: Uint8Array;
  /** What the engine of this name gave, NHWC; undefined where it gave none. */
  expected(engine: keyof typeof KERNEL_SETS): NpyArray | undefined;
  /** The inputs of the model's graph. */
  feeds(graph: Graph): Record<string, Tensor>;
}

interface Meta {
  readonly op: string;
  readonly name: string;
  readonly ins: readonly { readonly const?: boolean }[];
}

/** [N, H, W, C] as [N, C, H, W]; other ranks as they are. */
export function toNchw<T extends NpyArray['data']>(data: T, shape: readonly number[]): T {
  if (shape.length !== 4) return data;
  const [n, h, w, c] = shape as [number, number, number, number];
  const result = data.slice() as Uint8Array;
  let to = 0;
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < c; channel++)
      for (let pixel = 0; pixel < h * w; pixel++)
        result[to++] = (data as Uint8Array)[(image * h * w + pixel) * c + channel]!;
  return result as unknown as T;
}

function recorded(npz: Npz, names: ReadonlySet<string>, id: number, { op, name, ins }: Meta): RecordedOperator {
  const variable = ins.flatMap((input, i) => (input.const ? [] : [`${id}:in:${i}`]));
  return {
    name,
    op,
    bytes: npz.read(`${id}:model`).data as Uint8Array,
    expected(engine) {
      // where ARM's bits are others, they are recorded, too
      const arrays = [KERNEL_SETS[engine], KERNEL_SETS[engine].replace('arm64_', '')].map((set) => `${id}:y:${set}`);
      const found = arrays.find((array) => names.has(array));
      return found === undefined ? undefined : npz.read(found);
    },
    feeds: (graph) =>
      Object.fromEntries(
        graph.inputs.map(({ name: input, type, shape }, i) => {
          const { data, shape: given } = npz.read(variable[i]!);
          return [input, new Tensor(type, toNchw(data, given) as never, shape)];
        }),
      ),
  };
}

export function recordedOperators(): RecordedOperator[] {
  const npz = openNpz(readFileSync(TFLITE_OPERATORS));
  const names = new Set(npz.names);
  const meta = JSON.parse(new TextDecoder().decode(npz.read('meta').data as Uint8Array)) as Meta[];
  return meta.map((one, id) => recorded(npz, names, id, one));
}
