import { expect, test } from './gpu.ts';
import { install, type Models } from './in_page.ts';

type Writer = typeof import('../models/onnx_writer.ts');

test('inputs and outputs in buffers of the GPU: the same elements as by way of the host, for each type and shape', async ({
  gpu,
}) => {
  await install(gpu);
  const results = await gpu.evaluate(async () => {
    const { requestDevice, InferenceSession, Tensor } = exact8;
    const { writeOnnx } = (await import('/models/onnx_writer.ts' as string)) as Writer;
    const device = await requestDevice();
    const quantizing = (type: 'uint8' | 'int8', dims: number[], to8: boolean): Uint8Array =>
      writeOnnx({
        name: 'one',
        description: '',
        inputs: [{ name: 'x', type: to8 ? 'float32' : type, dims }],
        outputs: [{ name: 'y', type: to8 ? type : 'float32' }],
        nodes: [
          {
            name: 'n',
            op: to8 ? 'QuantizeLinear' : 'DequantizeLinear',
            domain: '',
            inputs: ['x', 's', 'z'],
            outputs: ['y'],
            attributes: {},
          },
        ],
        constants: [
          { name: 's', dims: [], data: Float32Array.of(0.05) },
          { name: 'z', dims: [], data: type === 'int8' ? Int8Array.of(3) : Uint8Array.of(128) },
        ],
      });
    const results: { what: string; host: string; there: string; locations: string }[] = [];
    for (const type of ['uint8', 'int8'] as const)
      for (const to8 of [true, false])
        for (const dims of [
          [1, 1, 1, 1],
          [2, 3, 5, 7],
          [1, 4, 3, 3],
          [3, 9, 2, 1],
          [2, 6],
          [1, 1001],
        ]) {
          const session = await InferenceSession.create(quantizing(type, dims, to8), { device });
          const count = dims.reduce((a, b) => a * b, 1);
          const data = to8
            ? Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 8)
            : new { uint8: Uint8Array, int8: Int8Array }[type](count).map((_: number, i: number) => i * 37 + 5);
          const x = new Tensor(data, dims);
          const buffer = device.createBuffer({
            size: Math.ceil(data.byteLength / 4) * 4,
            usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
          });
          const padded = new Uint8Array(buffer.size);
          padded.set(new Uint8Array(data.buffer));
          device.queue.writeBuffer(buffer, 0, padded);
          const fed = Tensor.fromGpuBuffer(buffer, { dataType: x.type, dims });
          const host = (await session.run({ x }))['y']!;
          const left = await InferenceSession.create(session.graph, { device, preferredOutputLocation: 'gpu-buffer' });
          const there = (await left.run({ x: fed }))['y']!;
          // and into a tensor of the caller's
          const mine = device.createBuffer({ size: there.gpuBuffer.size, usage: there.gpuBuffer.usage });
          const given = Tensor.fromGpuBuffer(mine, { dataType: there.type, dims, download: () => there.getData() });
          const again = (await session.run({ x: fed }, { y: given }))['y'] === given;
          const locations = [there.location];
          const elements = await there.getData(true);
          locations.push(there.location);
          there.dispose();
          locations.push(there.location);
          results.push({
            what: `${type} ${to8 ? 'out' : 'in'} [${dims.join()}] ${again ? 'given' : 'other'}`,
            host: host.data.join(),
            there: elements.join(),
            locations: locations.join(),
          });
        }
    device.destroy();
    return results;
  });
  expect(results).toHaveLength(24);
  for (const { what, host, there, locations } of results) {
    expect(there, what).toBe(host);
    expect(what).toMatch(/given$/);
    expect(locations).toBe('gpu-buffer,cpu,none');
  }
});

test('buffers of the GPU that cannot be taken are refused by name; NaN in one is found, with its place', async ({
  gpu,
}) => {
  await install(gpu);
  const outcomes = await gpu.evaluate(async () => {
    const { make, outcome, requestDevice, feeds, InferenceSession, Tensor } = exact8;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const device = await requestDevice();
    const session = await make(device);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: 768, usage });
    const on = (where: GPUBuffer, dims = [1, 3, 8, 8]) => Tensor.fromGpuBuffer(where, { dims });
    const data = (feeds['x']!.data as Float32Array<ArrayBuffer>).slice();
    data[77] = NaN;
    device.queue.writeBuffer(buffer, 0, data);
    const nan = await outcome(() => session.run({ x: on(buffer) }));
    const traced = await outcome(async () => (await session.trace({ x: on(buffer) })).outputs);
    data[77] = 1;
    device.queue.writeBuffer(buffer, 0, data);
    const fine = await outcome(() => session.run({ x: on(buffer) }));
    const host = await outcome(() => session.run({ x: new Tensor(data, [1, 3, 8, 8]) }));
    return {
      nan,
      traced,
      same: fine === host,
      short: await outcome(async () => ({ y: on(device.createBuffer({ size: 764, usage })) })),
      usage: await outcome(() =>
        session.run({ x: on(device.createBuffer({ size: 768, usage: GPUBufferUsage.COPY_DST })) }),
      ),
      'no buffer': await outcome(async () => ({ y: on({} as never) })),
      fetched: await outcome(() => session.run(feeds, ['z'])),
      none: await outcome(() => session.run(feeds, [])),
      shape: await outcome(() => session.run(feeds, { y: new Tensor(new Float32Array(3)) })),
      location: await outcome(async () => {
        await InferenceSession.create(smallQOperatorModel(), {
          device,
          preferredOutputLocation: { z: 'gpu-buffer' },
        });
        return {};
      }),
      after: (await outcome(() => session.run(feeds))) === (await outcome(() => session.run(feeds, ['y']))),
    };
  });
  expect(outcomes).toEqual({
    nan: "InvalidInputError: input 'x' holds NaN at element 77, which cannot be quantized",
    traced: "InvalidInputError: input 'x' is on a GPU; a trace takes tensors on the host",
    same: true,
    short: 'InvalidInputError: float32 [1, 3, 8, 8] needs 768 bytes, the buffer has 764',
    usage: expect.stringMatching(/^DeviceError: running the model: .*[Uu]sage/s),
    'no buffer': 'InvalidInputError: a tensor on a GPU is made of a GPUBuffer; got an Object',
    fetched: "InvalidInputError: the model has no output 'z'; its outputs: y",
    none: 'InvalidInputError: no output is fetched; leave out the names to fetch all',
    shape: "InvalidInputError: output 'y' is float32 [1, 4]; the tensor for it is float32 [3]",
    location: "InvalidInputError: preferredOutputLocation: the model has no output 'z'; its outputs: y",
    after: true,
  });
});

test('a pipeline that does not compile says so each time that it is asked for', async ({ gpu }) => {
  await install(gpu);
  const messages = await gpu.evaluate(async () => {
    const { PipelineCache } = (await import(
      '/src/gpu/pipelines.ts' as string
    )) as typeof import('../src/gpu/pipelines.ts');
    const device = await exact8.requestDevice();
    const wrong = { kernel: 'from_nchw', slots: {}, counts: {}, overrides: { LANES: 1, WRONG: 1 } } as const;
    const asked = () => PipelineCache.of(device).get(wrong).then(String, String);
    const messages = [await asked(), await asked()];
    device.destroy();
    return messages;
  });
  for (const message of messages) expect(message).toMatch(/^DeviceError: shader 'from_nchw' does not compile: /);
});
