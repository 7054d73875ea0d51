import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import type { Processor } from '../../src/engines/origin.ts';

/** A processor, and what said so. */
export interface Detected {
  readonly name: string;
  /** Undefined where the system does not tell. */
  readonly processor: Processor | undefined;
  readonly evidence: string;
}

/** What a system says of its processor's features: words, and where they stand. */
export interface Features {
  readonly arch: string;
  readonly words: ReadonlySet<string>;
  readonly source: string;
}

/** Which of the features decide, the first that is there; the last line of each has none. */
const DECIDE: Readonly<Record<string, readonly (readonly [feature: string | undefined, Processor])[]>> = {
  x64: [
    ['avx512_vnni', 'x64-avx512-vnni'],
    ['avx_vnni', 'x64-avx-vnni'],
    ['avx512f', 'x64-avx512'],
    [undefined, 'x64'],
  ],
  arm64: [
    ['asimddp', 'arm64-dot'],
    [undefined, 'arm64'],
  ],
};

export function processorOf({ arch, words, source }: Features): Omit<Detected, 'name'> {
  const rows = DECIDE[arch];
  if (!rows) return { processor: undefined, evidence: `no engine was measured on ${arch}` };
  if (words.size === 0) return { processor: undefined, evidence: `${source} says nothing of the processor's features` };
  const [feature, processor] = rows.find(([feature]) => feature === undefined || words.has(feature))!;
  const looked = rows.flatMap(([feature]) => feature ?? []);
  return { processor, evidence: `${source} has ${feature ?? `neither of ${looked.join(', ')}`}` };
}

/** The processor of the machine that this runs on. */
export function detectProcessor(): Detected {
  return { name: cpus()[0]?.model.trim() ?? arch(), ...processorOf(featuresHere()) };
}

function featuresHere(): Features {
  const here = { arch: arch() };
  if (platform() === 'linux') {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const [, line = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(text) ?? [];
    return { ...here, words: wordsOf(line), source: '/proc/cpuinfo' };
  }
  if (platform() === 'darwin') return { ...here, ...fromSysctl() };
  return { ...here, words: new Set(), source: platform() };
}

const wordsOf = (text: string): Set<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));

/** Linux's names of the features that macOS has others for. */
const APPLE_NAMES: Readonly<Record<string, string>> = {
  AVX512VNNI: 'avx512_vnni',
  AVX512F: 'avx512f',
  FEAT_DotProd: 'asimddp',
};

function fromSysctl(): Omit<Features, 'arch'> {
  const { stdout } = spawnSync('sysctl', ['-a'], { encoding: 'utf8', maxBuffer: 2 ** 24 });
  const words = new Set<string>();
  for (const line of (stdout ?? '').split('\n')) {
    const [key = '', value = ''] = line.split(': ');
    if (key.startsWith('hw.optional.arm.') && value === '1') words.add(key.slice('hw.optional.arm.'.length));
    if (/^machdep\.cpu\..*features$/.test(key)) for (const word of wordsOf(value)) words.add(word);
  }
  return { words: new Set([...words].map((word) => APPLE_NAMES[word] ?? word)), source: 'sysctl' };
}
