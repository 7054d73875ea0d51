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
  declare(line: string): string {
    return line.replace(BINDING, (_, name: string, type: string) => {
      if (this.names.includes(name)) return '';
      this.names.push(name);
      return `@group(1) @binding(${this.names.length - 1}) var<storage, read> ${name}: ${type};`;
    });
  }
}

/**
 * A module linked a second time, for an inner stage of a fused kernel: what it declares is renamed to
 * `<name>_<stage>`, and what it reads of a shared buffer begins at the override `<STAGE>_<BUFFER>`. Lines stay lines.
 */
function renamed(lines: readonly string[], stage: string): string[] {
  const declared = lines.flatMap((line) => /^(?:fn|const|override|struct|alias) (\w+)/.exec(line)?.[1] ?? []);
  const buffers = lines.flatMap((line) => BINDING.exec(line)?.[1] ?? []);
  const start = (buffer: string): string => `${stage}_${buffer}`.toUpperCase();
  return lines.map((line) => {
    const buffer = BINDING.exec(line)?.[1];
    if (buffer) return `${line} override ${start(buffer)}: u32 = 0u;`;
    return line.replaceAll(/\b([A-Za-z_]\w*)\b(\s*\[)?/g, (word, name: string, bracket: string | undefined) => {
      if (bracket && buffers.includes(name)) return `${name}[${start(name)} + `;
      return declared.includes(name) ? `${name}_${stage}${bracket ?? ''}` : word;
    });
  });
}

/**
 * Puts a kernel and its modules into one text: WGSL resolves names in any order. A link is a file, or
 * `file#stage` for the same file under other names (see `renamed`).
 */
export function linkShader(kernel: string, links: readonly string[]): LinkedShader {
  const parts = [kernel, ALWAYS, ...links].map((link) => link.split('#') as [string, string?]);
  const bindings = new Bindings();
  const texts = parts.map(([file, stage]) => {
    const lines = text(file).split('\n');
    return (stage ? renamed(lines, stage) : lines).map((line) => bindings.declare(line));
  });
  return {
    label: [kernel, ...links].join(' + '),
    code: texts.flat().join('\n'),
    bindings: bindings.names,
    origin(line) {
      let rest = line;
      for (const [i, { length }] of texts.entries()) {
        if (rest <= length) return { file: `${parts[i]![0]}.wgsl`, line: rest };
        rest -= length;
      }
      return { file: `${kernel}.wgsl`, line };
    },
  };
}
