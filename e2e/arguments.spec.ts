import { expect, test } from './gpu.ts';
import { install, OUTPUT, type Models } from './in_page.ts';

test.describe.configure({ timeout: 120_000 });

type Odd = typeof import('../tests/helpers/odd_values.ts');

test('whatever a session is given, only errors of this project come out, and it does the session no harm', async ({
  gpu,
}) => {
  await install(gpu);
  const { foreign, tried, before, after } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds, InferenceSession, Tensor, Exact8Error, preprocessOnGpu } = exact8;
    const { oddValues } = (await import('/tests/helpers/odd_values.ts' as string)) as Odd;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const device = await requestDevice();
    const session = await make(device);
    const before = await outcome(() => session.run(feeds));
    const opened = (options: object) => InferenceSession.create(smallQOperatorModel(), options);
    const pixels = { width: 2, height: 2, data: new Uint8Array(16).fill(255) };
    const input = { name: 'x', type: 'uint8', shape: [1, 3, 2, 2] } as const;
    const options = ['device', 'engine', 'semantics', 'shapes', 'features', 'profile', 'fusion', 'executionProviders'];
    options.push('signal', 'onProgress', 'freeDimensionOverrides', 'preferredOutputLocation', 'graphOptimizationLevel');
    const calls: Record<string, (odd: never) => Promise<unknown>> = {
      'a model': (odd) => InferenceSession.create(odd, { device }),
      'the options': (odd) => InferenceSession.create(smallQOperatorModel(), odd),
      ...Object.fromEntries(options.map((name) => [name, (odd) => opened({ device, [name]: odd as unknown })])),
      run: (odd) => session.run(odd),
      'run with an input': (odd) => session.run({ x: odd }),
      'run with one more': (odd) => session.run({ ...feeds, y: odd }),
      'fetched outputs': (odd) => session.run(feeds, odd),
      'a fetched output': (odd) => session.run(feeds, { y: odd }),
      'options of run': (odd) => session.run(feeds, ['y'], odd),
      'a tensor': async (odd) => new Tensor(odd),
      'its type': async (odd) => new Tensor(odd as 'float32', new Float32Array(3)),
      'its data': async (odd) => new Tensor('uint8', odd as Uint8Array),
      'its dims': async (odd) => new Tensor(new Float32Array(3), odd),
      'an offset': (odd) => InferenceSession.create(new ArrayBuffer(8), odd),
      'a buffer': async (odd) => Tensor.fromGpuBuffer(odd, { dims: [1] }),
      'options of a buffer': async (odd) => Tensor.fromGpuBuffer(device.createBuffer({ size: 4, usage: 128 }), odd),
      trace: (odd) => session.trace(odd),
      'options of trace': (odd) => session.trace(feeds, odd),
      accumulators: (odd) => session.trace(feeds, { accumulators: odd }),
      warmUp: (odd) => session.warmUp(odd),
      'warmUp with a shape': (odd) => session.warmUp({ x: odd }),
      'a picture': (odd) => preprocessOnGpu(odd, 'none', input, device),
      'a recipe': (odd) => preprocessOnGpu(pixels, odd, input, device),
      'an input of the model': (odd) => preprocessOnGpu(pixels, 'none', odd, device),
      'the device of a picture': (odd) => preprocessOnGpu(pixels, 'none', input, odd),
    };
    const foreign: string[] = [];
    let tried = 0;
    for (const [what, call] of Object.entries(calls))
      for (const [kind, odd] of Object.entries(oddValues()))
        try {
          tried++;
          const result = await call(odd as never);
          if (result instanceof InferenceSession) result.release();
        } catch (error) {
          if (!(error instanceof Exact8Error)) foreign.push(`${what}, ${kind}: ${String(error)}`);
        }
    const after = await outcome(() => session.run(feeds));
    device.destroy();
    return { foreign, tried, before, after };
  });
  expect(foreign).toEqual([]);
  expect(tried).toBeGreaterThan(500);
  expect(after).toBe(before);
});

test('the class of the error says whose fault it is', async ({ gpu }) => {
  await install(gpu);
  const { errors, shared } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds, InferenceSession } = exact8;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const lost = await requestDevice();
    lost.destroy();
    const adapter = await navigator.gpu.requestAdapter();
    const create = (model: unknown, options?: object) =>
      outcome(async () => (await InferenceSession.create(model as never, options as never)).run(feeds));
    const released = await make();
    released.release();
    released.release();
    const transferred = feeds['x']!.data.slice();
    structuredClone(transferred, { transfer: [transferred.buffer] });
    const session = await make();
    const errors = {
      'URL of nothing': await create('nowhere:m.onnx'),
      'URL of a page': await create('/index.html'),
      'Response that failed': await create(new Response(null, { status: 404 })),
      'empty Response': await create(new Response()),
      promise: await create(Promise.resolve(smallQOperatorModel())),
      'no bytes': await create(new ArrayBuffer(0)),
      text: await create(new TextEncoder().encode('<!doctype html>')),
      'typing error': await create(smallQOperatorModel(), { semantic: 'qnnpack' }),
      'unknown engine': await create(smallQOperatorModel(), { engine: 'mkl' }),
      adapter: await create(smallQOperatorModel(), { device: adapter }),
      'lost device': await create(smallQOperatorModel(), { device: lost }),
      transferred: await outcome(() => session.run({ x: { ...feeds['x']!, data: transferred } as never })),
      released: await outcome(() => released.run(feeds)),
      'released, traced': await outcome(async () => (await released.trace(feeds)).outputs),
      'released, warmed up': await outcome(async () => (await released.warmUp(), {})),
    };
    // sessions that share a device and come and go at the same time
    const device = await requestDevice();
    const shared = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const mine = await make(device);
        const running = outcome(() => mine.run(feeds));
        if (i % 2 === 0) await running;
        mine.release();
        return running;
      }),
    );
    device.destroy();
    return { errors, shared };
  });
  expect(Object.fromEntries(Object.entries(errors).map(([what, text]) => [what, text.split(':')[0]]))).toEqual({
    'URL of nothing': 'InvalidInputError',
    'URL of a page': 'InvalidModelError',
    'Response that failed': 'InvalidInputError',
    'empty Response': 'InvalidModelError',
    promise: 'InvalidInputError',
    'no bytes': 'InvalidModelError',
    text: 'InvalidModelError',
    'typing error': 'InvalidInputError',
    'unknown engine': 'UnsupportedModelError',
    adapter: 'InvalidInputError',
    'lost device': 'DeviceError',
    transferred: 'InvalidInputError',
    released: 'DeviceError',
    'released, traced': 'DeviceError',
    'released, warmed up': 'DeviceError',
  });
  for (const [i, text] of shared.entries())
    expect(text).toMatch(i % 2 === 0 ? OUTPUT : /^(-?[\d.]+,|DeviceError: .*released)/);
});

test('a browser as old as Chrome 113: it works with what is known', async ({ gpu }) => {
  await install(gpu);
  const { usual, old, name } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds } = exact8;
    const usual = await outcome(async () => (await make()).run(feeds));
    delete (GPUDevice.prototype as { adapterInfo?: unknown }).adapterInfo;
    delete (GPUAdapter.prototype as { info?: unknown }).info;
    delete (GPU.prototype as { wgslLanguageFeatures?: unknown }).wgslLanguageFeatures;
    const { describeDevice } = (await import(
      '/harness/page/gpu.ts' as string
    )) as typeof import('../harness/page/gpu.ts');
    const old = await outcome(async () => (await make()).run(feeds));
    return { usual, old, name: describeDevice(await requestDevice()) };
  });
  expect(usual).toMatch(OUTPUT);
  expect(old).toBe(usual);
  expect(name).toBe('unnamed');
});

test('a device that is lost at any moment of opening a model and running it: a DeviceError that says so', async ({
  gpu,
}) => {
  await install(gpu);
  const { outcomes, right, refused, calls } = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds } = exact8;
    /** Counts what is asked of a device, and destroys it at one of the calls. */
    const deviceThatDies = async (at: number) => {
      const device = await requestDevice();
      const counter = { calls: 0 };
      for (const object of [device, device.queue])
        for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(object))) {
          const method = name === 'destroy' ? undefined : (object as never as Record<string, unknown>)[name];
          if (typeof method !== 'function' || name === 'constructor') continue;
          const watched = (...args: unknown[]): unknown => {
            if (counter.calls++ === at) device.destroy();
            return method.apply(object, args) as unknown;
          };
          Object.defineProperty(object, name, { value: watched });
        }
      return { device, counter };
    };
    const use = async (device: GPUDevice) => {
      const session = await make(device);
      await session.warmUp();
      const traced = await session.trace(feeds);
      return { ...traced.outputs, ...(await session.run(feeds)) };
    };
    const whole = await deviceThatDies(-1);
    const right = await outcome(() => use(whole.device));
    const { calls } = whole.counter;
    const outcomes: string[] = [];
    const late = new Promise<string>((resolve) => setTimeout(resolve, 60_000, 'it hangs'));
    for (let at = 0; at < calls; at += Math.ceil(calls / 40)) {
      const { device } = await deviceThatDies(at);
      outcomes.push(await Promise.race([late, outcome(() => use(device))]));
    }
    // and one that is not to be had at all
    GPUAdapter.prototype.requestDevice = () => Promise.reject(new DOMException('no more of them', 'OperationError'));
    return { outcomes, right, calls, refused: await outcome(() => make().then((session) => session.run(feeds))) };
  });
  expect(right).toMatch(OUTPUT);
  expect(calls).toBeGreaterThan(40);
  expect(outcomes.length).toBeGreaterThan(20);
  // at the end all may be computed, and on its way back
  const early = outcomes.slice(0, -4);
  for (const outcome of early) expect(outcome).toMatch(/^DeviceError: .*the device was lost/);
  for (const outcome of outcomes.slice(-4)) if (outcome !== right) expect(outcome).toMatch(/^DeviceError: .*lost/);
  expect(refused).toMatch(/^NoWebGpuError: .*no more of them/);
});
