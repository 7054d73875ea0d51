import { InvalidModelError, UnsupportedModelError } from '../../src/errors.ts';

export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers whose outputs it takes. */
  readonly inputs: readonly string[];
}

export interface KerasWeight {
  /** Keras's own layout: [kh, kw, in, out] for a convolution, [in, out] for a dense layer. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A Keras model as TensorFlow.js stores it: layers in an order in which inputs come first, weights by name. */
export interface KerasModel {
  readonly layers: readonly KerasLayer[];
  readonly weights: ReadonlyMap<string, KerasWeight>;
}

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly scale: number; readonly min: number };
}

/** The parts of a TensorFlow.js `model.json` that are read. */
interface LayersModelJson {
  readonly modelTopology: {
    readonly model_config: {
      readonly config: {
        readonly layers: readonly {
          readonly class_name: string;
          readonly name: string;
          readonly config: Readonly<Record<string, unknown>>;
          /** [[[layer, node index, tensor index, {}], ...]]; one list a call of the layer. */
          readonly inbound_nodes: readonly (readonly (readonly [string, ...unknown[]])[])[];
        }[];
      };
    };
  };
  readonly weightsManifest: readonly { readonly weights: readonly WeightSpec[] }[];
}

/**
 * Reads a TensorFlow.js layers model whose weights are quantized to uint8.
 *
 * @param json the content of `model.json`
 * @param shard the weights, all groups in the manifest's order
 * @throws InvalidModelError where the weights do not have the size that the manifest says
 * @throws UnsupportedModelError where a weight is stored otherwise
 */
export function readLayersModel(json: unknown, shard: Uint8Array): KerasModel {
  const { modelTopology, weightsManifest } = json as LayersModelJson;
  const layers = modelTopology.model_config.config.layers.map((layer) => ({
    className: layer.class_name,
    name: layer.name,
    config: layer.config,
    inputs: (layer.inbound_nodes[0] ?? []).map(([input]) => input),
  }));
  const specs = weightsManifest.flatMap((group) => group.weights);
  return { layers, weights: readWeights(specs, shard) };
}

function readWeights(specs: readonly WeightSpec[], shard: Uint8Array): Map<string, KerasWeight> {
  const weights = new Map<string, KerasWeight>();
  let offset = 0;
  for (const spec of specs) {
    const length = spec.shape.reduce((product, dim) => product * dim, 1);
    weights.set(spec.name, { shape: spec.shape, data: dequantize(spec, shard.subarray(offset, offset + length)) });
    offset += length;
  }
  if (offset !== shard.length)
    throw new InvalidModelError(`the weights take ${offset} bytes by their manifest, but there are ${shard.length}`);
  return weights;
}

/** The arithmetic of TensorFlow.js's decodeWeights: in double precision, rounded to float32 once. */
function dequantize({ name, dtype, quantization }: WeightSpec, bytes: Uint8Array): Float32Array {
  if (dtype !== 'float32' || quantization?.dtype !== 'uint8')
    throw new UnsupportedModelError(
      `weight '${name}' is ${dtype} stored as ${quantization?.dtype ?? dtype}; supported: float32 stored as uint8`,
    );
  return Float32Array.from(bytes, (byte) => byte * quantization.scale + quantization.min);
}

/** The Keras models of the installed package nsfwjs: a MobileNetV2 1.0 for 224 x 224 pixels, an InceptionV3 for 299 x 299. */
export async function readNsfwjs(model: 'mobilenet_v2' | 'inception_v3'): Promise<KerasModel> {
  const { modelJson, weightBundles } =
    model === 'mobilenet_v2'
      ? (await import('nsfwjs/models/mobilenet_v2')).MobileNetV2Model
      : (await import('nsfwjs/models/inception_v3')).InceptionV3Model;
  const { default: json } = await modelJson();
  const shards = await Promise.all(weightBundles.map(async (load) => Buffer.from((await load()).default, 'base64')));
  return readLayersModel(json, Buffer.concat(shards));
}
