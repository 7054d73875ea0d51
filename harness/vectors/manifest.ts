import type { ElementType } from '../../src/graph/graph.ts';
import type { Order } from './array.ts';
import type { Field } from './packed.ts';
import type { LayerVectors } from './layer_vectors.ts';

export const MANIFEST_VERSION = 1;
export const MANIFEST = 'manifest.json';

/** One file: the words of one array. */
export interface ManifestFile {
  /** From the manifest's folder, with '/'. */
  readonly path: string;
  readonly format: string;
  /**
   * 'nchw', 'nhwc', 'oihw', 'ohwi'; 'nchwc', 'oihwc' in tiles of channels; arrays of fewer than four dimensions are in C
   * order, and have none.
   */
  readonly layout?: string;
  /** In the order of the file: the last index changes from word to word. */
  readonly shape: readonly number[];
  /** Where words hold several elements: the first in the lowest bits. */
  readonly wordBits?: number;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface ManifestArray {
  readonly type: ElementType;
  readonly bits: number;
  readonly signed: boolean;
  /** NCHW, OIHW or fewer dimensions. */
  readonly shape: readonly number[];
  readonly words: number;
  readonly files: readonly ManifestFile[];
}

export interface ManifestTensor extends ManifestArray {
  readonly name: string;
  /** Of 8-bit tensors: real = scale * (value - zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

export interface ManifestLayer extends Omit<LayerVectors, 'arrays'> {
  readonly arrays: Readonly<Record<string, ManifestArray>>;
  /** All that requantizes a channel in one word: in texts. */
  readonly channelWords?: ChannelWords;
}

/** One word a channel. */
export interface ChannelWords {
  readonly bits: number;
  readonly words: number;
  readonly fields: readonly Field[];
  readonly files: readonly ManifestFile[];
}

/** What the vectors were made from. */
export interface Origin {
  /** The program and its version. */
  readonly generator: string;
  readonly model: string;
  readonly modelHash: string;
  readonly input: string;
  readonly inputHash: string;
}

/** manifest.json: everything that the folder holds. */
export interface Manifest extends Origin {
  readonly schemaVersion: number;
  readonly engine: { readonly name: string; readonly description: string };
  /** Another name of `engine`. */
  readonly semantics: Manifest['engine'];
  /** What holds for all files and layers, for people. */
  readonly conventions: Readonly<Record<string, string>>;
  /** The formats that were written, and what their words are. */
  readonly formats: Readonly<Record<string, string>>;
  readonly orders: readonly Order[];
  /** The network's own inputs and outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly tensors: readonly ManifestTensor[];
  readonly layers: readonly ManifestLayer[];
}

export const CONVENTIONS = {
  values: 'computed on the host in the exact arithmetic of the engine named under engine',
  real: 'real value = scale * (integer - zero point)',
  words:
    'one element a word, but where `wordBits` says that there are several: the first in the lowest bits; the first word at ' +
    'the lowest address; the last index of the shape of the file changes fastest',
  width:
    ".hex, .coe, .mif: `bits` bits, two's complement where `signed`, IEEE 754 for float32; .bin, .npy, .h: the words of " +
    '`type`, little-endian. `bits` holds every value that the layer can have, with any input',
  layouts:
    'activations NCHW or NHWC, weights OIHW or OHWI (output channel, input channel of the group, row, column); tiled: ' +
    '[N or O][tile][row][column][channel of the tile], where channels that there are not hold the zero point, weights 0',
  padding:
    'positions outside of the input hold window.paddingValue: the zero point of the input, which adds nothing; of a ' +
    'max-pool the smallest value of the type',
};
