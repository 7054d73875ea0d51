import { DeviceError } from '../errors.ts';

const FILES = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

function text(name: string): string {
  const found = FILES[`../../shaders/${name}.wgsl`];
  if (found === undefined) throw new DeviceError(`there is no shader '${name}'`);
  return found;
}

/** A kernel with the modules behind it that its calls resolve to. */
export interface LinkedShader {
  readonly label: string;
  readonly code: string;
  /** Which file a line of `code` came from (1-based, as compilers count), and that file's own line. */
  origin(line: number): { readonly file: string; readonly line: number };
}

/** Every kernel is linked with this. */
const ALWAYS = 'shared/words';

/** Puts a kernel and its modules into one text: WGSL resolves names in any order. */
export function linkShader(kernel: string, links: readonly string[]): LinkedShader {
  const files = [kernel, ALWAYS, ...links];
  const texts = files.map((file) => text(file));
  const lengths = texts.map((t) => t.split('\n').length);
  return {
    label: files.filter((file) => file !== ALWAYS).join(' + '),
    code: texts.join('\n'),
    origin(line) {
      let rest = line;
      for (const [i, length] of lengths.entries()) {
        if (rest <= length) return { file: `${files[i]!}.wgsl`, line: rest };
        rest -= length;
      }
      return { file: `${kernel}.wgsl`, line };
    },
  };
}
