import { InvalidInputError } from '../errors.ts';
import { findTransparent, TRANSPARENT_WORDS } from '../kernels/find_transparent.ts';
import { denseBytes } from '../kernels/from_nchw.ts';
import { cornerValues, cornerWords, pictureCorners } from '../kernels/picture_corners.ts';
import { elementWords, pictureElements } from '../kernels/picture_elements.ts';
import { pictureResize, tapWords } from '../kernels/picture_resize.ts';
import { kindOf } from '../kind_of.ts';
import {
  bitmapOf,
  isPixels,
  refuseTransparency,
  type Bitmap,
  type Pixels,
  type PictureSource,
} from '../pictures/decode.ts';
import { bilinearTaps } from '../pictures/resize.ts';
import type { PictureSize } from '../pictures/size.ts';
import { prepare, type PictureInput, type Preparation, type RecipeName } from '../recipes.ts';
import type { Tensor } from '../tensor.ts';
import { Dispatches } from './dispatches.ts';
import { tensorOnGpu } from './exchange.ts';
import { onDevice } from './loss.ts';
import { align } from './memory.ts';
import { PipelineCache } from './pipelines.ts';
import { scoped } from './scoped.ts';

/** WebGPU's, of rows of a texture that are copied into a buffer. */
const ROW_ALIGNMENT = 256;

/** A picture's RGBA or BGRA words in a buffer. */
interface Words extends PictureSize {
  readonly buffer: GPUBuffer;
  readonly rowWords: number;
  readonly reversed: boolean;
}

const isTexture = (source: unknown): source is GPUTexture =>
  typeof GPUTexture === 'function' && source instanceof GPUTexture;

/** @throws InvalidInputError */
function checkTexture({ format, dimension, depthOrArrayLayers, sampleCount, usage }: GPUTexture): void {
  const got = `${format}, ${dimension}, ${depthOrArrayLayers} layers, ${sampleCount} samples`;
  if (!['rgba8unorm', 'bgra8unorm'].includes(format) || dimension !== '2d' || depthOrArrayLayers * sampleCount !== 1)
    throw new InvalidInputError(`a picture is a texture rgba8unorm or bgra8unorm, 2d, of one layer; got ${got}`);
  if ((usage & GPUTextureUsage.COPY_SRC) === 0)
    throw new InvalidInputError('a texture is copied: it needs GPUTextureUsage.COPY_SRC');
}

/** @throws InvalidInputError for a picture that is larger than the device takes, before or after it is resized */
function checkDevice({ limits }: GPUDevice, picture: Pixels | GPUTexture | Bitmap, { resize }: Preparation): void {
  const { maxTextureDimension2D, maxStorageBufferBindingSize } = limits;
  const { width, height } = picture;
  const sides = isPixels(picture) ? 0 : Math.max(width, height);
  const words = [
    align(width, ROW_ALIGNMENT / 4) * height,
    ...(resize ? [resize.width * Math.max(resize.height, height)] : []),
  ];
  if (sides <= maxTextureDimension2D && 4 * Math.max(...words) <= maxStorageBufferBindingSize) return;
  const after = resize ? `, and ${resize.width} × ${resize.height} when it is resized` : '';
  throw new InvalidInputError(
    `the picture has ${width} × ${height} pixels${after}; this GPU takes ${maxTextureDimension2D} a side and ` +
      `${maxStorageBufferBindingSize / 4} in all: make it smaller, or take preprocess, on the host`,
  );
}

/** A picture's words, of which a texture's are copied into their buffer by `encode`. */
function wordsOf(own: Dispatches, picture: Pixels | GPUTexture): Words {
  const { width, height } = picture;
  if (isPixels(picture)) return { width, height, buffer: own.upload(picture.data), rowWords: width, reversed: false };
  const bytesPerRow = align(4 * width, ROW_ALIGNMENT);
  const buffer = own.buffer(bytesPerRow * height, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  return { width, height, buffer, rowWords: bytesPerRow / 4, reversed: picture.format === 'bgra8unorm' };
}

/** A decoded picture as a texture. */
function textureOf(device: GPUDevice, bitmap: Bitmap): GPUTexture {
  const { width, height } = bitmap;
  const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC | GPUTextureUsage.RENDER_ATTACHMENT;
  const texture = device.createTexture({ size: [width, height], format: 'rgba8unorm', usage });
  device.queue.copyExternalImageToTexture({ source: bitmap as never }, { texture }, [width, height]);
  return texture;
}

/** What has the size of a picture, and becomes its words. */
async function decode(source: PictureSource | GPUTexture) {
  if (isTexture(source)) checkTexture(source);
  return isTexture(source) || isPixels(source) ? source : bitmapOf(source);
}

/** Adds what makes elements of a picture. */
async function addDispatches(
  own: Dispatches,
  words: Words,
  preparation: Preparation,
  output: GPUBuffer,
): Promise<void> {
  const { width, height, resize, corners } = preparation;
  const { buffer, rowWords, reversed } = words;
  if (corners) {
    const places = [cornerWords(words.height, height), cornerWords(words.width, width), cornerValues(preparation)];
    const tables = places.map((place) => own.upload(place));
    return own.add(pictureCorners(preparation, rowWords, reversed), [buffer, ...tables], output);
  }
  const elements = own.upload(elementWords(preparation));
  if (!resize) return own.add(pictureElements(preparation, rowWords, reversed), [buffer, elements], output);
  let [from, fromRow] = [buffer, rowWords];
  // rows first, as Pillow does
  for (const along of ['rows', 'columns'] as const) {
    const to = { width: resize.width, height: along === 'rows' ? words.height : resize.height };
    const taps = along === 'rows' ? bilinearTaps(words.width, to.width) : bilinearTaps(words.height, to.height);
    const { places, weights } = tapWords(taps);
    const resized = own.buffer(4 * to.width * to.height, GPUBufferUsage.STORAGE);
    await own.add(pictureResize(to, fromRow, along), [from, own.upload(places), own.upload(weights)], resized);
    [from, fromRow] = [resized, to.width];
  }
  await own.add(pictureElements(preparation, fromRow, reversed), [from, elements], output);
}

/**
 * As `preprocess(await decodePicture(source), recipe, input)`, bit for bit, computed on a session's device; the tensor
 * stays there, and is fed to the session. `tensor.dispose()` frees its memory.
 *
 * @param source what `decodePicture` takes, or a texture of the device: rgba8unorm or bgra8unorm, with
 *   `GPUTextureUsage.COPY_SRC`
 * @throws InvalidInputError as `decodePicture` and `preprocess`, and where the picture is larger than the device takes
 * @throws DeviceError where the device is lost
 */
export async function preprocessOnGpu(
  source: PictureSource | GPUTexture,
  recipe: RecipeName,
  input: PictureInput,
  device: GPUDevice,
): Promise<Tensor> {
  if (typeof (device as unknown as { createBuffer?: unknown } | undefined)?.createBuffer !== 'function')
    throw new InvalidInputError(`the fourth argument is session.device; got ${kindOf(device)}`);
  const decoded = await decode(source);
  const bitmap = isTexture(decoded) || isPixels(decoded) ? undefined : decoded;
  try {
    const { width, height } = decoded;
    const preparation = prepare({ width, height }, recipe, input);
    checkDevice(device, decoded, preparation);
    return await onDevice(device, 'a picture', () => compute(device, decoded, preparation));
  } finally {
    bitmap?.close();
  }
}

async function compute(
  device: GPUDevice,
  decoded: Pixels | GPUTexture | Bitmap,
  preparation: Preparation,
): Promise<Tensor> {
  const { type, height, width } = preparation;
  const info = { name: 'the picture', type, shape: [1, 3, height, width] };
  const own = new Dispatches(device, PipelineCache.of(device));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const output = device.createBuffer({ size: Math.max(denseBytes(info), 16), usage });
  let texture: GPUTexture | undefined;
  try {
    const given = isTexture(decoded) || isPixels(decoded);
    const picture = given ? decoded : (texture = await scoped(device, 'a picture', () => textureOf(device, decoded)));
    const words = wordsOf(own, picture);
    const size = 4 * TRANSPARENT_WORDS;
    const found = own.buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    const read = own.buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    await own.add(findTransparent(words, words.rowWords), [words.buffer], found);
    await addDispatches(own, words, preparation, output);
    await scoped(device, 'a picture', () => {
      const encoder = device.createCommandEncoder();
      if (!isPixels(picture))
        encoder.copyTextureToBuffer(
          { texture: picture },
          { buffer: words.buffer, bytesPerRow: 4 * words.rowWords },
          { width: words.width, height: words.height },
        );
      own.encode(encoder);
      encoder.copyBufferToBuffer(found, 0, read, 0, size);
      device.queue.submit([encoder.finish()]);
    });
    await read.mapAsync(GPUMapMode.READ);
    if (new Uint32Array(read.getMappedRange()).some((transparent) => transparent !== 0)) refuseTransparency();
    return tensorOnGpu(device, info, output);
  } catch (error) {
    output.destroy();
    throw error;
  } finally {
    texture?.destroy();
    own.destroy();
  }
}
