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
  /** Group 1: the buffers that the modules read, in binding order. */
  readonly bindings: readonly string[];
  /** Which file a line of `code` came from (1-based, as compilers count), and that file's own line. */
  origin(line: number): { readonly file: string; readonly line: number };
}

/** Every kernel is linked with this. */
const ALWAYS = 'shared/words';

const BINDING = /^@group\(1\) @binding\(\d+\) var<storage, read> (\w+): ([^;]*);/;

/**
 * Group 1 of a pipeline: a linked module's buffers by their names, numbered in the order in which they first
 * appear. Modules that name the same buffer share it.
 */
class Bindings {
  readonly names: string[] = [];

  /** The declaration with its number; nothing where the buffer is declared already. */
  declare(line: ShaderLine): ShaderLine {
    const text = line.text.replace(BINDING, (_, name: string, type: string) => {
      if (this.names.includes(name)) return '';
      this.names.push(name);
      return `@group(1) @binding(${this.names.length - 1}) var<storage, read> ${name}: ${type};`;
    });
    return { ...line, text };
  }
}

/**
 * A module linked a second time, for an inner stage of a fused kernel: what it declares is renamed to
 * `<name>_<stage>`, its loops' counts too, and what it reads of a shared buffer begins at the override
 * `<STAGE>_<BUFFER>`. Lines stay lines.
 */
function renamed(lines: readonly ShaderLine[], stage: string, counts: readonly string[]): ShaderLine[] {
  const own = lines.flatMap(({ text }) => /^(?:fn|const|override|struct|alias) (\w+)/.exec(text)?.[1] ?? []);
  const declared = [...own, ...counts];
  const buffers = lines.flatMap(({ text }) => BINDING.exec(text)?.[1] ?? []);
  const start = (buffer: string): string => `${stage}_${buffer}`.toUpperCase();
  const renameIn = (text: string): string => {
    const buffer = BINDING.exec(text)?.[1];
    if (buffer) return `${text} override ${start(buffer)}: u32 = 0u;`;
    return text.replaceAll(/\b([A-Za-z_]\w*)\b(\s*\[)?/g, (word, name: string, bracket: string | undefined) => {
      if (bracket && buffers.includes(name)) return `${name}[${start(name)} + `;
      return declared.includes(name) ? `${name}_${stage}${bracket ?? ''}` : word;
    });
  };
  return lines.map((line) => ({ ...line, text: renameIn(line.text) }));
}

/** The counts `<NAME>_<stage>`, as the file of the stage calls them: `<NAME>`. */
function countsOf(unroll: Readonly<Record<string, number>>, stage: string): Record<string, number> {
  const end = `_${stage}`;
  const own = Object.entries(unroll).filter(([name]) => name.endsWith(end));
  return Object.fromEntries(own.map(([name, count]) => [name.slice(0, -end.length), count]));
}

/** What has to stand before all declarations. */
const DIRECTIVE = /^(enable|requires|diagnostic)\b/;

/**
 * Puts a kernel and its modules into one text: WGSL resolves names in any order, but for directives, which
 * come first. A link is a file, or `file#stage` for the same file under other names (see `renamed`). Marked
 * loops are unrolled (see `expand`), and their counts are constants of the text.
 */
export function linkShader(
  kernel: string,
  links: readonly string[],
  unroll: Readonly<Record<string, number>> = {},
): LinkedShader {
  const bindings = new Bindings();
  const linked = [kernel, ALWAYS, ...links].flatMap((link) => {
    const [file, stage] = link.split('#') as [string, string?];
    if (!stage) return expand(linesOf(file), unroll).map((line) => bindings.declare(line));
    const counts = countsOf(unroll, stage);
    const lines = renamed(expand(linesOf(file), counts), stage, Object.keys(counts));
    return lines.map((line) => bindings.declare(line));
  });
  const counts = Object.entries(unroll).map(([name, count]) => ({
    text: `const ${name} = ${count}u;`,
    file: `${kernel}.wgsl`,
    line: 1,
  }));
  const isDirective = ({ text }: ShaderLine): boolean => DIRECTIVE.test(text);
  const lines = [...linked.filter(isDirective), ...counts, ...linked.filter((line) => !isDirective(line))];
  return {
    label: [kernel, ...links].join(' + '),
    code: lines.map(({ text }) => text).join('\n'),
    bindings: bindings.names,
    origin(line) {
      const { file, line: own } = lines[line - 1] ?? { file: `${kernel}.wgsl`, line };
      return { file, line: own };
    },
  };
}
