import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readModel } from '../../src/formats/index.ts';
import { scriptFile } from '../../tests/helpers/script_file.ts';
import { smallModel } from '../../tests/helpers/small_model.ts';
import { writeNpy, type NpyArray } from '../numpy/npy.ts';
import { writeNpz } from '../numpy/npz.ts';
import { loadModel } from './model.ts';
import { openShapes } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'exact8-shapes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const floats = (...shape: number[]): NpyArray => ({
  shape,
  data: new Float32Array(shape.reduce((product, d) => product * d, 1)),
});

const SCRIPT = scriptFile();

describe('shapes that a model leaves open', () => {
  const input = write('input.npy', writeNpy(floats(1, 2, 5, 7)));
  const trace = write('trace.npz', writeNpz([['input', floats(1, 2, 9, 4)]]));
  const withoutBatch = write('other.npz', writeNpz([['Input', floats(2, 9, 4)]]));
  const unnamed = write('unnamed.npz', writeNpz([['a', floats(2)]]));

  it.each([
    [{ input }, [1, 2, 5, 7]],
    [{ input, against: trace }, [1, 2, 5, 7]],
    [{ against: trace }, [1, 2, 9, 4]],
    [{ against: 'onnxruntime', theirs: withoutBatch }, [1, 2, 9, 4]],
    [{ size: [6, 8] as const, input }, [1, 2, 6, 8]],
    [{ image: 'cat.jpg' }, [1, 2, 224, 224]],
  ])('%o: %o', async (options, expected) => {
    expect(await openShapes(readModel(SCRIPT), options, [224, 224])).toEqual({ input: expected });
  });

  it('are asked for where nothing says them', async () => {
    const message =
      /leaves the shape of its input 'input' open, \[\?, 2, \?, \?\], and nothing says it: --input, .* --size/;
    for (const options of [{}, { against: unnamed }, { image: 'cat.jpg' }])
      await expect(openShapes(readModel(SCRIPT), options)).rejects.toThrow(message);
  });

  it('an open batch is none of them', async () => {
    expect(await openShapes(readModel(await smallModel()), { size: [6, 8] })).toEqual({});
  });

  it('are those of the plan', async () => {
    const { plan, shapes } = await loadModel({ model: write('script.pt', SCRIPT), against: trace });
    expect(plan.graph.inputs).toMatchObject([{ shape: [1, 2, 9, 4] }]);
    expect(shapes).toEqual({ input: [1, 2, 9, 4] });
  });
});
