import { strToU8, zipSync } from 'fflate';

/** Opcodes of one pickled value. */
export type Pickled = readonly number[];

const bytesOf = (array: ArrayBufferView): number[] => [
  ...new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
];
const int32 = (value: number): number[] => bytesOf(Int32Array.of(value));

export const none: Pickled = [0x4e];
export const bool = (value: boolean): Pickled => [value ? 0x88 : 0x89];
export const int = (value: number): Pickled => [0x4a, ...int32(value)];
export const float = (value: number): Pickled => [0x47, ...bytesOf(Float64Array.of(value)).reverse()];
export const text = (value: string): Pickled => [0x58, ...int32(strToU8(value).length), ...strToU8(value)];
export const tuple = (...values: Pickled[]): Pickled => [0x28, ...values.flat(), 0x74];
export const list = (...values: Pickled[]): Pickled => [0x5d, 0x28, ...values.flat(), 0x65];
export const global = (module: string, name: string): Pickled => [0x63, ...strToU8(`${module}\n${name}\n`)];
export const call = (callable: Pickled, ...args: Pickled[]): Pickled => [...callable, ...tuple(...args), 0x52];
export const persistent = (id: Pickled): Pickled => [...id, 0x51];
export const dict = (entries: readonly (readonly [string, Pickled])[]): Pickled => [
  0x7d,
  0x28,
  ...entries.flatMap(([key, value]) => [...text(key), ...value]),
  0x75,
];
export const pickle = (value: Pickled): Uint8Array => Uint8Array.from([0x80, 2, ...value, 0x2e]);

export interface TensorSpec {
  readonly storage: 'FloatStorage' | 'DoubleStorage' | 'LongStorage' | 'QInt8Storage';
  readonly data: ArrayBufferView & { readonly length: number };
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly offset?: number;
  /** [scale, zero point], or tensors of them along axis 0. */
  readonly quantizer?: readonly [number, number] | readonly [TensorSpec, TensorSpec];
}

/** Written as torch.save writes a state_dict: entries are tensors, tuples of tensors, or opcodes. */
export class TorchFile {
  readonly storages: (ArrayBufferView & { readonly length: number })[] = [];
  private readonly legacy: boolean;

  constructor(legacy = false) {
    this.legacy = legacy;
  }

  tensor(spec: TensorSpec): Pickled {
    const { data, shape, quantizer } = spec;
    const key = text(String(this.storages.push(data) - 1));
    const id = [text('storage'), global('torch', spec.storage), key, text('cpu'), int(data.length)];
    const storage = persistent(tuple(...id, ...(this.legacy ? [none] : [])));
    const strides = spec.strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const view = [storage, int(spec.offset ?? 0), tuple(...shape.map(int)), tuple(...strides.map(int))];
    const hooks = [bool(false), call(global('collections', 'OrderedDict'))];
    if (!quantizer) return call(global('torch._utils', '_rebuild_tensor_v2'), ...view, ...hooks);
    const [scale, zeroPoint] = quantizer;
    const parameters =
      typeof scale === 'number'
        ? tuple(global('torch', 'per_tensor_affine'), float(scale), int(zeroPoint as number))
        : tuple(
            global('torch', 'per_channel_affine'),
            this.tensor(scale),
            this.tensor(zeroPoint as TensorSpec),
            int(0),
          );
    return call(global('torch._utils', '_rebuild_qtensor'), ...view, parameters, ...hooks);
  }

  write(root: Pickled): Uint8Array {
    return this.legacy ? this.writeLegacy(root) : writeZip(pickle(root), this.storages.map(bytesOf));
  }

  private writeLegacy(root: Pickled): Uint8Array {
    const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    const keys = this.storages.map((_, key) => text(String(key)));
    const pickles = [magic, int(1001), dict([['little_endian', bool(true)]]), root, list(...keys)].map(pickle);
    const storages = this.storages.map((data) => [...bytesOf(BigInt64Array.of(BigInt(data.length))), ...bytesOf(data)]);
    return Uint8Array.from([...pickles.map((bytes) => [...bytes]), ...storages].flat());
  }
}

export function writeZip(data: Uint8Array, storages: readonly number[][], level: 0 | 9 = 0): Uint8Array {
  const entries = storages.map((bytes, key) => [`m/data/${key}`, Uint8Array.from(bytes)] as const);
  return zipSync({ 'm/data.pkl': data, 'm/byteorder': strToU8('little'), ...Object.fromEntries(entries) }, { level });
}

export interface TinyOptions {
  readonly perChannel?: boolean;
  readonly classes?: number;
  /** Replaces or adds (a value), or removes (null), entries. */
  readonly changes?: Readonly<Record<string, Pickled | null>>;
  /** Where the linear layer's parameters are: as PyTorch 1.5 and later, 1.4, or 1.3 have them. */
  readonly packed?: 'tuple' | 'entries' | 'plain';
  /** What a training script's file has beside: the key of the state_dict, and a prefix of its keys. */
  readonly wrapper?: { readonly key: string; readonly prefix: string };
}

/** A quantized MobileNetV2 of 8 channels (16 in the expansions), the weights counting up from -100. */
export function tinyMobileNetV2(
  file: TorchFile,
  { perChannel = false, classes = 7, changes = {}, packed = 'tuple', wrapper }: TinyOptions = {},
): Uint8Array {
  const entries = new Map<string, Pickled>();
  const scalars = (name: string): void => {
    const seed = entries.size;
    entries.set(
      `${name}.scale`,
      file.tensor({ storage: 'FloatStorage', data: Float32Array.of(0.01 + seed / 1024), shape: [] }),
    );
    entries.set(
      `${name}.zero_point`,
      file.tensor({ storage: 'LongStorage', data: BigInt64Array.of(BigInt(seed % 256)), shape: [1] }),
    );
  };
  const weight = (...shape: number[]): Pickled => {
    const data = Int8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 201) - 100);
    const o = shape[0]!;
    const scale: TensorSpec = { storage: 'DoubleStorage', data: new Float64Array(o).fill(0.5), shape: [o] };
    const zero: TensorSpec = { storage: 'LongStorage', data: new BigInt64Array(o), shape: [o] };
    return file.tensor({ storage: 'QInt8Storage', data, shape, quantizer: perChannel ? [scale, zero] : [0.5, 0] });
  };
  const bias = (o: number): Pickled =>
    file.tensor({ storage: 'FloatStorage', data: Float32Array.from({ length: o }, (_, i) => i / 4), shape: [o] });
  const conv = (name: string, ...shape: number[]): void => {
    entries.set(`${name}.weight`, weight(...shape));
    entries.set(`${name}.bias`, bias(shape[0]!));
    scalars(name);
  };

  scalars('quant');
  conv('features.0.0', 8, 3, 3, 3);
  conv('features.1.conv.0.0', 8, 1, 3, 3);
  conv('features.1.conv.1', 8, 8, 1, 1);
  scalars('features.1.skip_add');
  for (let i = 2; i <= 17; i++) {
    conv(`features.${i}.conv.0.0`, 16, 8, 1, 1);
    conv(`features.${i}.conv.1.0`, 16, 1, 3, 3);
    conv(`features.${i}.conv.2`, 8, 16, 1, 1);
    scalars(`features.${i}.skip_add`);
  }
  conv('features.18.0', 24, 8, 1, 1);
  scalars('classifier.1');
  const parameters = 'classifier.1._packed_params';
  if (packed === 'tuple') {
    entries.set(`${parameters}.dtype`, global('torch', 'qint8'));
    entries.set(`${parameters}._packed_params`, tuple(weight(classes, 24), bias(classes)));
  } else {
    const prefix = packed === 'entries' ? parameters : 'classifier.1';
    entries.set(`${prefix}.weight`, weight(classes, 24));
    entries.set(`${prefix}.bias`, bias(classes));
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value) entries.set(key, value);
    else entries.delete(key);
  }
  if (!wrapper) return file.write(dict([...entries]));
  const state = [...entries].map(([key, value]) => [`${wrapper.prefix}${key}`, value] as const);
  return file.write(
    dict([
      ['epoch', int(3)],
      [wrapper.key, dict(state)],
    ]),
  );
}
