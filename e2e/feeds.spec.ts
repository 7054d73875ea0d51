import { expect, test } from './gpu.ts';
import { install, type Models } from './in_page.ts';

test.describe.configure({ timeout: 120_000 });

test('inputs are taken when run and trace are called: arrays may be filled again at once', async ({ gpu }) => {
  await install(gpu);
  const { alone, together, traced, unseen, fixed, spoiled } = await gpu.evaluate(async () => {
    const { make, outcome, Tensor } = exact8;
    const session = await make();
    const value = (k: number, i: number) => Math.sin(i * (k + 1)) * 5;
    const fresh = (k: number, batch = 1) => {
      const pixels = Float32Array.from({ length: 192 * batch }, (_, i) => value(k, i));
      return { x: new Tensor('float32', pixels, [batch, 3, 8, 8]) };
    };
    const inputs = [0, 1, 2, 3, 4, 5, 6];
    const alone: string[] = [];
    for (const k of inputs) alone.push(await outcome(() => session.run(fresh(k))));

    // one buffer, as a loop over the pictures of a video has it
    const one = fresh(0);
    const refill = (k: number) => one.x.data.forEach((_, i) => (one.x.data[i] = value(k, i)));
    const overlapping = (use: () => Promise<Record<string, { data: unknown }>>) =>
      Promise.all(
        inputs.map((k) => {
          refill(k);
          const mine = outcome(use);
          one.x.data.fill(0);
          return mine;
        }),
      );
    const together = await overlapping(() => session.run(one));
    const traced = await overlapping(async () => (await session.trace(one)).outputs);

    // a shape that is compiled first
    const two = fresh(1, 2);
    const running = outcome(() => session.run(two));
    two.x.data.fill(0);
    const unseen = [await running, await outcome(() => session.run(fresh(1, 2)))];

    const nan = fresh(0);
    nan.x.data[100] = NaN;
    const refused = outcome(() => session.run(nan));
    nan.x.data[100] = value(0, 100);
    const fixed = await refused;
    const right = outcome(() => session.run(nan));
    nan.x.data[100] = NaN;
    return { alone, together, traced, unseen, fixed, spoiled: await right };
  });
  expect(new Set(alone).size).toBeGreaterThan(3);
  expect(together).toEqual(alone);
  expect(traced).toEqual(alone);
  expect(unseen[0]).toBe(unseen[1]);
  expect(fixed).toBe("InvalidInputError: input 'x' holds NaN at element 100, which cannot be quantized");
  expect(spoiled).toBe(alone[0]);
});

test('what is handed out is a copy: nothing that is done to it changes what comes later', async ({ gpu }) => {
  await install(gpu);
  const { inputKept, same, aliases, passed } = await gpu.evaluate(async () => {
    const { feeds, readModel, InferenceSession } = exact8;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const graph = readModel(smallQOperatorModel());
    // an input that is an output, too
    const session = await InferenceSession.create({ ...graph, outputs: [...graph.outputs, 'x'] });
    const given = [...(feeds['x']!.data as Float32Array)];
    const spoil = (data: { fill(value: never): unknown }) =>
      data.fill((data instanceof BigInt64Array ? 1n : 1) as never);
    const texts: string[] = [];
    const buffers = new Map<ArrayBufferLike, number>();
    let passed = true;
    for (let round = 0; round < 3; round++) {
      const outputs = await session.run(feeds);
      const { tensors, outputs: traced } = await session.trace(feeds, { accumulators: true });
      const arrays = [...Object.values(outputs), ...Object.values(traced), ...tensors].map(({ data }) => data);
      arrays.push(...tensors.flatMap(({ accumulators }) => accumulators ?? []), feeds['x']!.data);
      texts.push(arrays.join(';'));
      passed &&= String(outputs['x']!.data) === String(given) && String(traced['x']!.data) === String(given);
      for (const { buffer } of arrays.slice(0, -1)) buffers.set(buffer, (buffers.get(buffer) ?? 0) + 1);
      for (const data of arrays.slice(0, -1)) spoil(data);
    }
    const inputKept = String(feeds['x']!.data) === String(given);
    const aliases = [...buffers.values()].filter((count) => count > 1).length;
    return { inputKept, same: new Set(texts).size === 1, aliases, passed };
  });
  expect({ inputKept, same, aliases, passed }).toEqual({ inputKept: true, same: true, aliases: 0, passed: true });
});
