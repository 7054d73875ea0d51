import type { Random } from '../../../models/random.ts';
import { readModel } from '../../../src/formats/index.ts';
import { OPERATORS_BODY, SCRIPT_BODY, scriptFile } from '../../helpers/script_file.ts';
import { tinyMobileNetV2, TorchFile } from '../../helpers/torch_file.ts';
import { limit, spliced, type FuzzedFormat } from '../format.ts';
import { mutateZip } from './zip.ts';

/** Opcodes of pickles, known ones and others. */
const OPCODES = [
  ...Buffer.from('()lt.GIJKLMNQRTUVX]abcdehjpqrstu}'),
  0x80,
  0x81,
  0x85,
  0x86,
  0x87,
  0x88,
  0x89,
  0x8a,
  0x8b,
];
const BININT = 0x4a;
/** The pickles of these files are at the beginning, and no longer. */
const PICKLE_BYTES = 60_000;

/** An opcode or an integer's value changed, removed, or repeated. */
function mutatePickle(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(file);
  const places = [...bytes.subarray(0, PICKLE_BYTES).entries()]
    .filter(([, byte]) => OPCODES.includes(byte))
    .map(([at]) => at);
  const at = random.pick(places);
  if (bytes[at] === BININT && at + 5 <= bytes.length) {
    new DataView(bytes.buffer).setInt32(at + 1, limit(random), true);
    return bytes;
  }
  const kind = random.unit();
  if (kind < 0.6) bytes[at] = random.pick(OPCODES);
  else if (kind < 0.8) return spliced(bytes, at, at, Uint8Array.of(random.pick(OPCODES)));
  else return spliced(bytes, at, at + 1, new Uint8Array(0));
  return bytes;
}

export const torch: FuzzedFormat = {
  name: 'torch',
  corpus: async () => [
    tinyMobileNetV2(new TorchFile()),
    tinyMobileNetV2(new TorchFile(), { perChannel: true }),
    tinyMobileNetV2(new TorchFile(true)),
  ],
  mutate: (file, random) => (random.chance(0.2) ? mutateZip(file, random) : mutatePickle(file, random)),
  // a plan of some twenty layers for each mutant would be all that is measured
  use: readModel,
};

const WORDS = /\w+|\W/g;
const BODIES = [SCRIPT_BODY, OPERATORS_BODY];
const PARTS = BODIES.flat().flatMap((line) => line.match(WORDS) ?? []);

/** Words of a TorchScript file's code, exchanged for others of its words. */
function mutateCode(random: Random): Uint8Array {
  return scriptFile(
    random.pick(BODIES).map((line) => {
      if (!random.chance(0.3)) return line;
      const words: string[] = [...(line.match(WORDS) ?? [])];
      words[random.integer(0, words.length - 1)] = random.pick(PARTS);
      return words.join('');
    }),
  );
}

export const torchscript: FuzzedFormat = {
  name: 'torchscript',
  corpus: async () => BODIES.map(scriptFile),
  mutate(file, random) {
    if (random.chance(0.6)) return mutateCode(random);
    return random.chance(0.5) ? mutateZip(file, random) : mutatePickle(file, random);
  },
  use: readModel,
};
