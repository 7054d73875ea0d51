import { UnsupportedModelError } from '../../../src/errors.ts';
import {
  INPUT,
  OUTPUT,
  type Activation,
  type Network,
  type Layer,
  type WeightedLayer,
} from '../../../models/network.ts';

/** A TensorFlow.js graph model in memory, as `tf.io.fromMemory` takes it. */
export interface TfjsGraphModel {
  readonly modelTopology: object;
  readonly weightSpecs: readonly WeightSpec[];
  /** Of all weights, in the order of the specs, little-endian. */
  readonly weightData: Uint8Array<ArrayBuffer>;
}

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

interface Weight extends WeightSpec {
  readonly data: Float32Array | Int32Array;
}

interface GraphDefNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, object>>;
}

/**
 * The network in float32 in the form that TensorFlow's converter gives after its optimizations, the fastest that
 * TensorFlow.js runs: NHWC, each convolution with its bias and activation as one fused operator.
 */
export function writeTfjsGraph({ layers, classes }: Network, height: number, width: number): TfjsGraphModel {
  const weights: Weight[] = [];
  const nodes: GraphDefNode[] = [
    {
      name: INPUT,
      op: 'Placeholder',
      input: [],
      attr: { shape: shapeOf([-1, height, width, 3]), dtype: { type: 'DT_FLOAT' } },
    },
  ];
  const constant = (name: string, shape: readonly number[], data: Weight['data']): string => {
    const float = data instanceof Float32Array;
    weights.push({ name, shape, dtype: float ? 'float32' : 'int32', data });
    nodes.push({ name, op: 'Const', input: [], attr: { dtype: { type: float ? 'DT_FLOAT' : 'DT_INT32' } } });
    return name;
  };
  for (const layer of layers) nodes.push('weight' in layer ? weighted(layer, constant) : plain(layer, constant));
  nodes.push({ name: OUTPUT, op: 'Identity', input: [layers.at(-1)!.name], attr: {} });
  const tensor = (name: string, size: readonly number[]) => [
    name,
    { name, dtype: 'DT_FLOAT', tensorShape: dims(size) },
  ];
  return {
    modelTopology: {
      node: nodes,
      library: {},
      versions: { producer: 1087 },
      signature: {
        inputs: Object.fromEntries([tensor(INPUT, [-1, height, width, 3])]),
        outputs: Object.fromEntries([tensor(OUTPUT, [-1, classes])]),
      },
    },
    weightSpecs: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    weightData: joined(weights.map(({ data }) => data)),
  };
}

type AddConstant = (name: string, shape: readonly number[], data: Weight['data']) => string;

function weighted(layer: WeightedLayer, constant: AddConstant): GraphDefNode {
  const { kind, name, input, bias, activation } = layer;
  const operands = [
    input,
    ...[weightsOf(layer, constant), constant(`${name}/bias`, [bias.length], Float32Array.from(bias))],
  ];
  const fused = { fused_ops: texts(['BiasAdd', ...ACTIVATIONS[activation]]), num_args: { i: '1' } };
  if (kind === 'dense')
    return {
      name,
      op: '_FusedMatMul',
      input: operands,
      attr: { ...fused, transpose_a: { b: false }, transpose_b: { b: false } },
    };
  const attr = {
    ...fused,
    strides: numbers([1, layer.stride, layer.stride, 1]),
    dilations: numbers([1, 1, 1, 1]),
    data_format: text('NHWC'),
    ...paddingOf(layer),
  };
  return { name, op: layer.group === 1 ? '_FusedConv2D' : 'FusedDepthwiseConv2dNative', input: operands, attr };
}

const ACTIVATIONS: Readonly<Record<Activation, readonly string[]>> = { linear: [], relu: ['Relu'], relu6: ['Relu6'] };

/** [kh, kw, in, out] from [out, in, kh, kw]; depthwise [kh, kw, channels, 1]; dense [in, out]. */
function weightsOf({ kind, name, shape, weight, group }: WeightedLayer, constant: AddConstant): string {
  const [out, inGroup, kh, kw] = [...shape, 1, 1] as [number, number, number, number];
  const taps = kh * kw;
  const moved = new Float32Array(weight.length);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inGroup; i++)
      for (let k = 0; k < taps; k++) moved[(k * inGroup + i) * out + o] = weight[(o * inGroup + i) * taps + k]!;
  const dimensions = kind === 'dense' ? [inGroup, out] : group === 1 ? [kh, kw, inGroup, out] : [kh, kw, out, 1];
  return constant(`${name}/kernel`, dimensions, moved);
}

/**
 * TensorFlow's own paddings where they are the layer's. SAME with stride 2 pads one row less at the top than at the
 * bottom, for the even sizes that a MobileNet has; the network pads so too.
 */
function paddingOf({ pads, shape, stride }: WeightedLayer): Readonly<Record<string, object>> {
  const [top, left, bottom, right] = pads as [number, number, number, number];
  if (pads.every((pad) => pad === 0)) return { padding: text('VALID') };
  const all = shape[2]! - stride;
  const same = [Math.floor(all / 2), Math.floor(all / 2), Math.ceil(all / 2), Math.ceil(all / 2)];
  if (stride <= 2 && pads.every((pad, side) => pad === same[side])) return { padding: text('SAME') };
  return { padding: text('EXPLICIT'), explicit_paddings: numbers([0, 0, top, bottom, left, right, 0, 0]) };
}

/** @throws UnsupportedModelError for a layer that a MobileNetV2 does not have */
function plain({ kind, name, inputs }: Exclude<Layer, WeightedLayer>, constant: AddConstant): GraphDefNode {
  switch (kind) {
    case 'add':
      return { name, op: 'AddV2', input: inputs, attr: {} };
    case 'average': {
      const axes = constant(`${name}/axes`, [2], Int32Array.of(1, 2));
      return { name, op: 'Mean', input: [...inputs, axes], attr: { keep_dims: { b: false } } };
    }
    case 'flatten':
      // the mean has left [batch, channels] already
      return { name, op: 'Identity', input: inputs, attr: {} };
    default:
      throw new UnsupportedModelError(`layer '${name}' is a ${kind}; supported: conv, dense, add, average, flatten`);
  }
}

const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });
const shapeOf = (shape: readonly number[]) => ({ shape: dims(shape) });
const numbers = (values: readonly number[]) => ({ list: { i: values.map(String) } });
/** GraphDef's strings are bytes: base64 in JSON. */
const text = (value: string) => ({ s: btoa(value) });
const texts = (values: readonly string[]) => ({ list: { s: values.map((value) => btoa(value)) } });

function joined(arrays: readonly (Float32Array | Int32Array)[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}
