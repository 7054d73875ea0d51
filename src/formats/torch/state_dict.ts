import { UnsupportedModelError } from '../../errors.ts';
import type { Quantization } from '../../graph/graph.ts';
import type { Checkpoint } from './checkpoint.ts';
import { HOW_TO } from './how_to.ts';
import { describe, type PickleValue } from './pickle.ts';
import { TensorReader, type QuantizedWeight } from './tensor_reader.ts';

const SUPPORTED =
  "supported: the state_dict of one of torchvision's networks, quantized (mobilenet_v2, mobilenet_v3_large, resnet, resnext, " +
  `shufflenet_v2, googlenet, inception_v3); of any other ${HOW_TO}`;

/** Under these keys training scripts save a state_dict among other things. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];
/** What DataParallel puts before every key. */
const PREFIX = 'module.';

/** The state_dict itself, whatever it is wrapped in. */
function unwrapped(root: ReadonlyMap<string, PickleValue>): ReadonlyMap<string, PickleValue> {
  const inner = WRAPPERS.map((key) => root.get(key)).find((value) => value instanceof Map) ?? root;
  const keys = [...inner.keys()];
  if (keys.length === 0 || !keys.every((key) => key.startsWith(PREFIX))) return inner;
  return new Map([...inner].map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/** The tensors of a state_dict by their keys; what is not there or is of another kind is an UnsupportedModelError. */
export class StateDict {
  private readonly entries: ReadonlyMap<string, PickleValue>;
  readonly tensors: TensorReader;
  private readonly used = new Set<string>();

  constructor(checkpoint: Checkpoint) {
    const { root } = checkpoint;
    if (!(root instanceof Map)) throw new UnsupportedModelError(`the file holds ${describe(root)}; ${SUPPORTED}`);
    this.entries = unwrapped(root);
    this.tensors = new TensorReader((storage) => checkpoint.bytesOf(storage), SUPPORTED);
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** What it holds, in short. */
  private get entriesInShort(): string {
    const first = [...this.entries.keys()].slice(0, 3).map((name) => `'${name.slice(0, 80)}'`);
    return `${this.entries.size} entries (${first.join(', ')} ...)`;
  }

  refuse(): never {
    throw new UnsupportedModelError(`${this.entriesInShort} of no network that is known; ${SUPPORTED}`);
  }

  get(key: string): PickleValue {
    const value = this.entries.get(key);
    if (value === undefined)
      throw new UnsupportedModelError(`'${key}' is missing among ${this.entriesInShort}; ${SUPPORTED}`);
    this.used.add(key);
    return value;
  }

  /** @throws UnsupportedModelError where an entry was never asked for: the network is another one */
  requireAllUsed(name: string): void {
    const unused = [...this.entries.keys()].filter((key) => !this.used.has(key));
    if (unused.length > 0)
      throw new UnsupportedModelError(`'${unused[0]!.slice(0, 80)}' is not part of ${name}; ${SUPPORTED}`);
  }

  weight(key: string, shape: Parameters<TensorReader['weight']>[2], value = this.get(key)): QuantizedWeight {
    return this.tensors.weight(key, value, shape);
  }

  floats(key: string, length: number, value = this.get(key)): Float32Array {
    return this.tensors.floats(key, value, length);
  }

  /** `<module>.scale` and `<module>.zero_point` of a quint8 activation. */
  activation(module: string): Quantization {
    const [scale, zeroPoint] = ['scale', 'zero_point'].map((name) =>
      this.tensors.scalar(`${module}.${name}`, this.get(`${module}.${name}`)),
    );
    return this.tensors.activation(module, scale!, zeroPoint!);
  }
}
