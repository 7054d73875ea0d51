import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openNpz } from '../../../harness/numpy/npz.ts';
import { onnxruntime } from '../../engines/onnxruntime.ts';
import { readModel } from '../../formats/index.ts';
import { stagesOf } from '../../plan/stages.ts';
import { referenceTensors } from '../../plan/reference.ts';
import { Tensor } from '../../tensor.ts';

const RECORDED = '../shared/goldens/dynamic';

/** Bits, of which any NaN is one. */
const bitsOf = (data: ArrayLike<number | bigint>): number[] =>
  data instanceof Float32Array
    ? Array.from(new Uint32Array(data.slice().buffer), (bits) => ((bits & 0x7fffffff) > 0x7f800000 ? -1 : bits))
    : Array.from(data, Number);

describe.skipIf(!existsSync(RECORDED))(
  'dynamically quantized models recorded from onnxruntime-web, in ../shared',
  () => {
    const models = existsSync(RECORDED) ? readdirSync(RECORDED).filter((file) => file.endsWith('.onnx')) : [];
    it.each(models)('%s: every tensor', (file) => {
      const recorded = openNpz(readFileSync(`${RECORDED}/${file.replace('.onnx', '.npz')}`));
      const { typed, settings } = stagesOf(readModel(readFileSync(`${RECORDED}/${file}`)), { engine: onnxruntime });
      let compared = 0;
      const wrong: string[] = [];
      for (let run = 0; recorded.names.includes(`${run}/x`); run++) {
        const x = recorded.read(`${run}/x`);
        const feeds = { x: new Tensor('float32', x.data as Float32Array, x.shape) };
        for (const { name, data } of referenceTensors({ graph: typed, engine: settings.engine }, feeds)) {
          if (!recorded.names.includes(`${run}/${name}`)) continue;
          compared++;
          const [got, wanted] = [bitsOf(data), bitsOf(recorded.read(`${run}/${name}`).data as Float32Array)];
          const count = wanted.filter((v, i) => v !== got[i]).length;
          if (count > 0 || got.length !== wanted.length) wrong.push(`${run}/${name}: ${count} of ${wanted.length}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(10);
    });
  },
);
