import calibration from './calibration.json' with { type: 'json' };
import { writeFloatModel } from './float_model.ts';
import { writeInt8Model, type Ranges } from './int8_model.ts';
import { foldNetwork, type Network } from './network.ts';
import { readNsfwjs } from './nsfwjs/keras.ts';

/** The classes of the default model, in the order of its logits. */
export const DEFAULT_LABELS: readonly string[] = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'];

/** The default model in plain words. */
export const DEFAULT_MODEL_DESCRIPTION =
  'A safe-for-work check: the MobileNetV2 1.0 224 of the npm package nsfwjs (MIT), quantized to int8. It tells ' +
  'photographs and drawings that are fit for everyone (Neutral, Drawing) from ones that are not (Sexy, Porn, Hentai); ' +
  'it does not name what a picture shows.';

/**
 * The default model as an int8 ONNX file: float32 `input` [batch, 3, 224, 224], RGB in 0 .. 1, to float32 `logits`
 * [batch, 5]. Built from the installed package nsfwjs; the same bytes every time.
 *
 * @throws InvalidModelError, UnsupportedModelError where the installed package holds another model
 */
export async function defaultModel(): Promise<Uint8Array<ArrayBuffer>> {
  const ranges = calibration.ranges as unknown as Ranges;
  return writeInt8Model(await defaultNetwork(), ranges, DEFAULT_MODEL_DESCRIPTION);
}

/** The float32 original of the default model, with the same input and output. */
export async function floatModel(): Promise<Uint8Array<ArrayBuffer>> {
  return writeFloatModel(await defaultNetwork());
}

/** The default model's layers, batch normalisation folded. */
export async function defaultNetwork(): Promise<Network> {
  return foldNetwork(await readNsfwjs('mobilenet_v2'), 'nsfwjs_mobilenet_v2', 224);
}
