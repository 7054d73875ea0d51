import { DeviceError } from '../errors.ts';
import { expand, type ShaderLine } from './expand.ts';

const FILES = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

function linesOf(name: string): ShaderLine[] {
  const found = FILES[`../../shaders/${name}.wgsl`];
  if (found === undefined) throw new DeviceError(`there is no shader '${name}'`);
  return found.split('\n').map((text, index) => ({ text, file: `${name}.wgsl`, line: index + 1 }));
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

/** What has to stand before all declarations. */
const DIRECTIVE = /^(enable|requires|diagnostic)\b/;

/**
 * Puts a kernel and its modules into one text: WGSL resolves names in any order, but for directives, which
 * come first. Marked loops are unrolled (see expand), and their counts are constants of the text.
 */
export function linkShader(
  kernel: string,
  links: readonly string[],
  unroll: Readonly<Record<string, number>> = {},
): LinkedShader {
  const files = [kernel, ALWAYS, ...links];
  const expanded = files.flatMap((file) => expand(linesOf(file), unroll));
  const isDirective = ({ text }: ShaderLine): boolean => DIRECTIVE.test(text);
  const counts = Object.entries(unroll).map(([name, count]) => ({
    text: `const ${name} = ${count}u;`,
    file: `${kernel}.wgsl`,
    line: 1,
  }));
  const lines = [...expanded.filter(isDirective), ...counts, ...expanded.filter((line) => !isDirective(line))];
  return {
    label: files.filter((file) => file !== ALWAYS).join(' + '),
    code: lines.map(({ text }) => text).join('\n'),
    origin(line) {
      const { file, line: own } = lines[line - 1] ?? { file: `${kernel}.wgsl`, line };
      return { file, line: own };
    },
  };
}
