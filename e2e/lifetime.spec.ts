import { LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';
import { install, OUTPUT, type Models, type Session } from './in_page.ts';

test.describe.configure({ timeout: 120_000 });

const LOST = /^DeviceError: .*lost/;

test('a device that is destroyed: each use is a DeviceError, and a new session computes the same', async ({ gpu }) => {
  await install(gpu);
  const { before, after, traced, created, again } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds } = exact8;
    const device = await requestDevice();
    const session = await make(device);
    const before = await outcome(() => session.run(feeds));
    device.destroy();
    const after = await outcome(() => session.run(feeds));
    const traced = await outcome(async () => (await session.trace(feeds)).outputs);
    const created = await outcome(async () => (await make(device)).run(feeds));
    const fresh = await make();
    return { before, after, traced, created, again: await outcome(() => fresh.run(feeds)) };
  });
  expect(before).toMatch(OUTPUT);
  expect(after).toMatch(LOST);
  expect(traced).toMatch(LOST);
  expect(created).toMatch(/^DeviceError: /);
  expect(again).toBe(before);
});

test('a device that is destroyed while inferences are under way: they end, right or with a DeviceError', async ({
  gpu,
}) => {
  await install(gpu);
  const { right, outcomes } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds } = exact8;
    const device = await requestDevice();
    const session = await make(device);
    const right = await outcome(() => session.run(feeds));
    const running = Array.from({ length: 8 }, () => outcome(() => session.run(feeds)));
    await running[0];
    device.destroy();
    return { right, outcomes: await Promise.all(running) };
  });
  for (const outcome of outcomes) if (outcome !== right) expect(outcome).toMatch(LOST);
  expect(outcomes.at(-1)).toMatch(LOST);
});

const TIMES = LONG ? 50 : 20;

test(`created, run and released ${TIMES} times, on devices of their own and on one: the same output each time`, async ({
  gpu,
}) => {
  await install(gpu);
  const { outputs, released } = await gpu.evaluate(async (times) => {
    const { make, outcome, requestDevice, feeds } = exact8;
    const shared = await requestDevice();
    const outputs: string[] = [];
    let released = '';
    for (let i = 0; i < times; i++) {
      const session = await make(i % 2 === 0 ? undefined : shared);
      outputs.push(await outcome(() => session.run(feeds)));
      session.release();
      session.release();
      if (i === 1) released = await outcome(() => session.run(feeds));
    }
    shared.destroy();
    return { outputs, released };
  }, TIMES);
  expect(outputs).toHaveLength(TIMES);
  expect(new Set(outputs).size).toBe(1);
  expect(outputs[0]).toMatch(OUTPUT);
  expect(released).toMatch(/^DeviceError: .*released/);
});

test('the GPU process crashes: the session reports a DeviceError, and a new session computes the same', async ({
  alone,
}) => {
  await install(alone);
  const before = await alone.evaluate(async () => {
    const session = await exact8.make();
    Object.assign(globalThis, { session });
    return exact8.outcome(() => session.run(exact8.feeds));
  });
  const devtools = await alone.context().browser()!.newBrowserCDPSession();
  // the answer may go down with the process
  await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
  const { after, again } = await alone.evaluate(async () => {
    const { make, outcome, feeds } = exact8;
    const { session } = globalThis as unknown as { session: Session };
    const after = await outcome(() => session.run(feeds));
    // Chrome starts another GPU process when it is needed; until then there is no adapter
    let again = '';
    for (let attempt = 0; attempt < 20 && !/^-?\d/.test(again); attempt++) {
      again = await outcome(async () => (await make()).run(feeds));
      if (!/^-?\d/.test(again)) await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return { after, again };
  });
  expect(before).toMatch(OUTPUT);
  expect(after).toMatch(LOST);
  expect(again).toBe(before);
});

test('wrong inputs are refused by name, and do the session no harm', async ({ gpu }) => {
  await install(gpu);
  const { before, refused, after } = await gpu.evaluate(async () => {
    const { make, outcome, feeds, Tensor } = exact8;
    const session = await make();
    const before = await outcome(() => session.run(feeds));
    const float = (count: number, dims: number[], value = 0) =>
      new Tensor('float32', new Float32Array(count).fill(value), dims);
    const wrong: Record<string, () => unknown> = {
      'none at all': () => ({}),
      'another name': () => ({ y: feeds['x'] }),
      'one too many': () => ({ ...feeds, y: feeds['x'] }),
      'another type': () => ({ x: new Tensor('uint8', new Uint8Array(192), [1, 3, 8, 8]) }),
      'another size': () => ({ x: float(3 * 9 * 8, [1, 3, 9, 8]) }),
      'another rank': () => ({ x: float(192, [192]) }),
      'a leading dimension alone': () => ({ x: float(1, [1]) }),
      'no batch': () => ({ x: float(0, [0, 3, 8, 8]) }),
      'not a number': () => ({ x: float(192, [1, 3, 8, 8], NaN) }),
      'dims of other data': () => ({ x: float(100, [1, 3, 8, 8]) }),
      'data of another class': () => ({ x: new Tensor('float32', [1, 2] as never, [1, 2]) }),
      'no tensor': () => ({ x: 'x' }),
      'no object': () => undefined,
    };
    const refused: Record<string, string> = {};
    for (const [what, make] of Object.entries(wrong))
      refused[what] = await outcome(async () => session.run(make() as typeof feeds));
    return { before, refused, after: await outcome(() => session.run(feeds)) };
  });
  for (const [what, outcome] of Object.entries(refused)) expect(outcome, what).toMatch(/^InvalidInputError: /);
  expect(refused['another type']).toContain("'x' is uint8; the model takes float32");
  expect(after).toBe(before);
});

test('inferences that overlap: each has the output of its own input, and none allocates', async ({ gpu }) => {
  await install(gpu);
  const { alone, together, mixed, made } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, Tensor } = exact8;
    const device = await requestDevice();
    const session = await make(device);
    const inputs = Array.from({ length: 7 }, (_, k) => {
      const pixels = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i * (k + 1)) * 5);
      return { x: new Tensor('float32', pixels, [1, 3, 8, 8]) };
    });
    await session.warmUp();
    const alone: string[] = [];
    for (const feeds of inputs) alone.push(await outcome(() => session.run(feeds)));
    let made = 0;
    for (const method of ['createBuffer', 'createBindGroup', 'createComputePipelineAsync'] as const) {
      const original = device[method].bind(device) as (...args: unknown[]) => unknown;
      Object.assign(device, { [method]: (...args: unknown[]) => (made++, original(...args)) });
    }
    const together = await Promise.all(inputs.map((feeds) => outcome(() => session.run(feeds))));
    const runs = { made };
    // a trace between them does them no harm
    const mixed = await Promise.all(
      inputs.map((feeds, k) =>
        outcome(async () => (k % 3 === 1 ? (await session.trace(feeds)).outputs : session.run(feeds))),
      ),
    );
    device.destroy();
    return { alone, together, mixed, made: runs.made };
  });
  expect(new Set(alone).size).toBeGreaterThan(3);
  expect(together).toEqual(alone);
  expect(mixed).toEqual(alone);
  expect(made).toBe(0);
});

test('a fused session plans and compiles its traces once', async ({ gpu }) => {
  await install(gpu);
  const constants = await gpu.evaluate(async () => {
    const { requestDevice, feeds, InferenceSession } = exact8;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const device = await requestDevice();
    const labels: (string | undefined)[] = [];
    const original = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      labels.push(descriptor.label);
      return original(descriptor);
    };
    const session = await InferenceSession.create(smallQOperatorModel(), { device, fusion: 'layers' });
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      counts.push(labels.filter((label) => label === 'constants').length);
      await session.trace(feeds);
    }
    device.destroy();
    return counts;
  });
  expect(constants).toEqual([1, 2, 2]);
});
