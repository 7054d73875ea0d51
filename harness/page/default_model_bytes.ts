import { MobileNetV2Model } from 'nsfwjs/models/mobilenet_v2';
import calibration from '../../models/calibration.json' with { type: 'json' };
import { DEFAULT_MODEL_DESCRIPTION } from '../../models/index.ts';
import { writeInt8Model, type Ranges } from '../../models/int8_model.ts';
import { foldNetwork } from '../../models/network.ts';
import { readLayersModel } from '../../models/nsfwjs/keras.ts';

/** The same bytes as defaultModel() of models/, with what a browser has. */
export async function defaultModelBytes(): Promise<Uint8Array> {
  const { default: json } = await MobileNetV2Model.modelJson();
  const shards = await Promise.all(MobileNetV2Model.weightBundles.map(async (load) => (await load()).default));
  const weights = Uint8Array.from(shards.map((base64: string) => atob(base64)).join(''), (byte) => byte.charCodeAt(0));
  const ranges = calibration.ranges as unknown as Ranges;
  return writeInt8Model(
    foldNetwork(readLayersModel(json, weights), 'nsfwjs_mobilenet_v2', 224),
    ranges,
    DEFAULT_MODEL_DESCRIPTION,
  );
}
