import { describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { knownRecipe } from './known_models.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { preprocess, recipeName } from '../../src/recipes.ts';
import { resizeBilinear } from '../../src/pictures/resize.ts';
import { InvalidInputError } from '../../src/errors.ts';
import type { TensorInfo } from '../../src/graph/graph.ts';

/** Reproducible noise: the bits 16 to 23 of a linear congruential generator. */
function noise(width: number, height: number): Picture {
  let state = 12345n;
  const data = Uint8Array.from({ length: 3 * width * height }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number((state >> 16n) & 255n);
  });
  return { width, height, data };
}

function input(type: TensorInfo['type'], ...shape: number[]): TensorInfo {
  return { name: 'input', type, shape };
}

describe('resizeBilinear', () => {
  // Image.frombytes('RGB', (13, 11), noise), .resize((width, 11), BILINEAR), .resize((width, height), BILINEAR): two
  // calls, so that the order of the passes is this one in every version of Pillow.
  it.each<[number, number, string]>([
    [5, 4, 'iHx6j3Vyjmeci3lnfV6ThYOJi3l1lqiQe56MhICDiYqFfn97oZxoc5V+bpmNb4qXj46MeHVSeKNrZ5WN'],
    [
      13,
      3,
      'lEN5kJZ6VqCEtZWJfElSzV2JfVHjauhauV+zco04fl19dkimn4mASpeIvXGZfpJ3iXR7UWBwoJNRraqNqdRphaGqUqNkiVyZV6CMlpWSYKCckWF4UrWkrJSGjIigoGRLenUxZoqElrJqU7JahWeNfY2YPcZ8',
    ],
    [
      16,
      3,
      'lEN5kX56cZuAd5yGrIqBfktUu1l9nVa+dY6re8put2CwfYVMem1lelOQgVqcn4mASpeInHyUm4OHgoh5gHF5U2Bwj4hYqKF0q7t+ocl3g6GoWqJwdnSHcXyTaZ2OlpWSYKCcg3ODb46Qcaqap5KKjYifnGxeim48cn1ScJJ/lLJpXbJcdIB7gXmSa52QPcZ8',
    ],
    [
      6,
      12,
      'ox+ZfHdgf15yWFWUZyddkEvBo4BScp9wrS2Pdo55aHRjR3S9YpiWl4KSozaZsqiLznhNrVF1cZJulo+AtpqlmM2ZjIisq2JLj3OEoX6EnaWBbay2Ro6ShJOGgnKeeGNtcIlDn7iIb5VmZ4q4jpWWW3FvdYFbrdp2fZePcY2dm5mOgImRrIOMk69uVoOofbCFcIF5nYiFsYljq3dDXnVwZamOZJFdk511aYJSfKSNc5JLapZiR3bElaikqkZgRppXqp5QiIaKsJedVI+5dYZOdGVkSc26FqvP',
    ],
    [1, 1, 'hIl/'],
  ])('equals Pillow at %ix%i', (width, height, expected) => {
    const { data } = resizeBilinear(noise(13, 11), width, height);
    expect(Buffer.from(data).toString('base64')).toBe(expected);
  });

  it('keeps a picture that has the size', () => {
    expect(resizeBilinear(noise(13, 11), 13, 11)).toEqual(noise(13, 11));
  });

  it('keeps white white where rounded weights add up to more than one', () => {
    for (let size = 1; size <= 40; size++) {
      const white = { width: 97, height: 1, data: new Uint8Array(3 * 97).fill(255) };
      expect(resizeBilinear(white, size, 1).data.every((byte) => byte === 255)).toBe(true);
    }
  });
});

describe('preprocess', () => {
  it('torchvision: resizes the short side, crops the middle, normalises in float32', () => {
    // 256 x 257 after the resize: the crop begins at 16 of 32 spare columns and rounds 16.5 of 33 spare rows to 16.
    const height = 514;
    const data = Uint8Array.from({ length: 3 * 512 * height }, (_, i) => (Math.floor(i / 3 / 512) < 40 ? 0 : 255));
    const { dims, data: result } = preprocess(
      { width: 512, height, data },
      'torchvision',
      input('float32', -1, 3, 224, 224),
    );
    expect(dims).toEqual([1, 3, 224, 224]);
    const f = Math.fround;
    const white = f(f(1 - f(0.485)) / f(0.229));
    const black = f(f(-f(0.485)) / f(0.229));
    expect(result[0]).toBe(black);
    // Row 40 of the picture is row 20 of the resized and row 4 of the cropped one.
    expect([2, 3, 4, 5].map((row) => result[row * 224] === white)).toEqual([false, false, false, true]);
    expect(result.at(-1)).toBe(f(f(1 - f(0.406)) / f(0.225)));
  });

  it('inception: the resized bytes, plane by plane', () => {
    const { data } = preprocess(noise(13, 11), 'inception', input('uint8', 1, 3, 4, 5));
    const resized = resizeBilinear(noise(13, 11), 5, 4).data;
    expect([...data]).toEqual([0, 1, 2].flatMap((channel) => [...resized].filter((_, i) => i % 3 === channel)));
  });

  it('nsfwjs: what tfjs computes on its CPU backend', async () => {
    await tf.setBackend('cpu');
    const picture = noise(50, 31);
    for (const [height, width] of [
      [7, 9],
      [64, 40],
      [31, 50],
    ] as const) {
      const pixels = tf.tensor3d(picture.data, [31, 50, 3], 'int32').toFloat().div<tf.Tensor3D>(tf.scalar(255));
      const resized = tf.image.resizeBilinear(pixels, [height, width], true).transpose([2, 0, 1]);
      const { data } = preprocess(picture, 'nsfwjs', input('float32', 1, 3, height, width));
      expect(data).toEqual(await resized.data());
    }
  });

  it('none: the bytes as they are', () => {
    const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(preprocess(picture, 'none', input('uint8', 1, 3, 1, 2)).data).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 6));
    expect(preprocess(picture, 'none', input('float32', 1, 3, 1, 2)).data).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(() => preprocess(picture, 'none', input('uint8', 1, 3, 2, 2))).toThrow(
      'the picture is 2x1, the model takes 2x2',
    );
  });

  it.each<[string, Parameters<typeof preprocess>[1], TensorInfo, string]>([
    ['a type that the recipe does not make', 'torchvision', input('uint8', 1, 3, 224, 224), 'makes float32, but'],
    [
      'a size that the recipe does not make',
      'torchvision',
      input('float32', 1, 3, 192, 192),
      'the model takes 192x192',
    ],
    ['an input that is not a picture', 'nsfwjs', input('float32', 1, 3), '[1, 3, height, width]'],
    ['another number of channels', 'inception', input('uint8', 1, 1, 28, 28), '[1, 1, 28, 28]'],
    ['a batch', 'inception', input('uint8', 2, 3, 28, 28), '[2, 3, 28, 28]'],
  ])('refuses %s', (_, recipe, info, message) => {
    const run = (): unknown => preprocess(noise(13, 11), recipe, info);
    expect(run).toThrow(InvalidInputError);
    expect(run).toThrow(message);
  });
});

describe('recipes', () => {
  it('are chosen by name', () => {
    expect(recipeName('torchvision')).toBe('torchvision');
    expect(() => recipeName('caffe')).toThrow("no recipe 'caffe'; there are torchvision, inception, nsfwjs, none");
  });

  it('are known for known files only', () => {
    expect(knownRecipe('41a36090dafe98f4ad8f9b7fe0b218c56ac3c031e547f0367c30655d2702bffe')).toBe('torchvision');
    expect(knownRecipe('00')).toBeUndefined();
  });
});
