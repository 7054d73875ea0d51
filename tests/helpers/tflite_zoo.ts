import { Random } from '../../models/random.ts';
import { Draft, VALID, type Activation, type ByteType } from './tflite_draft.ts';
import type { TfliteModel } from './tflite_file.ts';

// Networks that run on phones and microcontrollers: their architectures, with weights of no use.

const RELU = 1;
const RELU6 = 3;

/** Logits and their softmax of an image's averages. */
function classified(draft: Draft, x: Activation, classes: number): TfliteModel {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const pooled = draft.pool('AVERAGE_POOL_2D', x, { kernel: [height, width], padding: VALID });
  draft.softmax(draft.dense(draft.reshape(pooled, [1, channels]), classes));
  return draft.model();
}

/** [channels, stride] of each of MobileNetV1's blocks, at full width. */
const V1_BLOCKS = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1] as const),
  [1024, 2],
  [1024, 1],
] as const;

function mobilenetV1(draft: Draft, size: number, depth: number, classes: number): TfliteModel {
  const width = 0.25;
  let x = draft.input([1, size, size, depth]);
  x = draft.conv(x, { channels: 32 * width, kernel: [3, 3], stride: 2, activation: RELU6 });
  for (const [channels, stride] of V1_BLOCKS) {
    x = draft.depthwise(x, { stride, activation: RELU6 });
    x = draft.conv(x, { channels: channels * width, activation: RELU6 });
  }
  return classified(draft, x, classes);
}

/** [expansion, channels, blocks, stride] of MobileNetV2's stages, at a width of 0.35. */
const V2_STAGES = [
  [1, 8, 1, 1],
  [6, 8, 2, 2],
  [6, 16, 3, 2],
  [6, 24, 4, 2],
  [6, 32, 3, 1],
  [6, 56, 3, 2],
  [6, 112, 1, 1],
] as const;

function mobilenetV2(draft: Draft): TfliteModel {
  let x = draft.floatInput([1, 64, 64, 3]);
  x = draft.conv(x, { channels: 16, kernel: [3, 3], stride: 2, activation: RELU6 });
  for (const [expansion, channels, blocks, first] of V2_STAGES)
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? first : 1;
      const depth = x.shape[3]!;
      const wide = expansion > 1 ? draft.conv(x, { channels: depth * expansion, activation: RELU6 }) : x;
      const deep = draft.depthwise(wide, { stride, activation: RELU6 });
      const made = draft.conv(deep, { channels });
      x = stride === 1 && depth === channels ? draft.add(x, made) : made;
    }
  x = draft.conv(x, { channels: 320, activation: RELU6 });
  const mean = draft.node('MEAN', [x, draft.ints([1, 2])], draft.activation([1, 320]), { keepDims: false });
  draft.dequantize(draft.softmax(draft.dense(mean, 20)));
  return draft.model();
}

/** Of MLPerf Tiny's benchmark. */
function resnet8(draft: Draft): TfliteModel {
  let x = draft.conv(draft.input([1, 32, 32, 3]), { channels: 16, kernel: [3, 3], activation: RELU });
  for (const channels of [16, 32, 64]) {
    const stride = channels === 16 ? 1 : 2;
    const inner = draft.conv(x, { channels, kernel: [3, 3], stride, activation: RELU });
    const outer = draft.conv(inner, { channels, kernel: [3, 3] });
    x = draft.add(stride === 1 ? x : draft.conv(x, { channels, stride }), outer, RELU);
  }
  return classified(draft, x, 10);
}

/** MLPerf Tiny's keyword spotter, of depthwise-separable convolutions over 49 frames of 10 coefficients. */
function keywordSpotter(draft: Draft): TfliteModel {
  const flat = draft.input([1, 490]);
  let x = draft.reshape(flat, [1, 49, 10, 1]);
  x = draft.conv(x, { channels: 64, kernel: [10, 4], stride: 2, activation: RELU });
  for (let block = 0; block < 4; block++)
    x = draft.conv(draft.depthwise(x, { activation: RELU }), { activation: RELU });
  return classified(draft, x, 12);
}

const NETWORKS = {
  'MobileNetV1': (draft: Draft) => mobilenetV1(draft, 128, 3, 100),
  'MobileNetV2': mobilenetV2,
  'ResNet8': resnet8,
  'keyword spotter': keywordSpotter,
  'person detection': (draft: Draft) => mobilenetV1(draft, 96, 1, 2),
} as const; // prettier-ignore

/** Each of them by its name. */
export const zooNetworks = (type: ByteType): (readonly [name: string, model: TfliteModel])[] =>
  Object.entries(NETWORKS).map(([name, build]) => [name, build(new Draft(new Random(1), type))] as const);
