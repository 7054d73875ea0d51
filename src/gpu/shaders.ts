import { DeviceError } from '../errors.ts';
import { expand, shaderError, withEnding, type ShaderLine } from './expand.ts';
import { loadTexts, textOf } from './texts/index.ts';

/** A kernel, and what fills all that its text leaves open. */
export interface ShaderKey {
  readonly kernel: string;
  /** The module in each slot, by the slot's name: in the order in which group 1 has the modules' buffers. */
  readonly slots: Readonly<Record<string, string>>;
  /** The numbers that a text names by //#count. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** One text to compile. */
export interface LinkedShader {
  readonly label: string;
  readonly code: string;
  /** Group 1: the buffers that the modules read, in binding order. */
  readonly bindings: readonly string[];
  /** Which file a line of `code` came from (1-based, as compilers count), and that file's own line. */
  origin(line: number): { readonly file: string; readonly line: number };
}

const IMPORT = /^\/\/#import ([\w/]+)$/;
const SLOT = /^\/\/#slot (\w+): ([\w/]+)\/ for ([\w, ]+?)( as \*_\1)?$/;
const COUNT = /^\/\/#count (\w+)$/;
const CONSTANT = /^const (\w+) = (\d+)u;/;
const BINDING = /^@group\(1\) @binding\(\$\) var<storage, read> (\w+): .*;/;
const DECLARED = /^(?:\/\/#count|fn|const|override|struct|alias) (\w+)/;
/** What has to stand before all declarations. */
const DIRECTIVE = /^(enable|requires|diagnostic)\b/;

/** Kernels stand in shaders/, and those for adapters that compute on the processor in shaders/software/. */
function fileOf(kernel: string): string {
  const file = `software/${kernel}`;
  return textOf(file) === undefined ? kernel : file;
}

function linesOf(name: string): ShaderLine[] {
  const found = textOf(name);
  if (found === undefined) throw new DeviceError(`there is no shader '${name}'`);
  return found.split('\n').map((text, index) => ({ text, file: `${name}.wgsl`, line: index + 1 }));
}

class Linker {
  readonly lines: ShaderLine[] = [];
  /** Buffers of group 1, and the place of the first slot whose module reads them. */
  readonly #buffers = new Map<string, number>();
  readonly #key: ShaderKey;
  /** Are slots without a module left open, and counts without a number 1? */
  readonly #open: boolean;
  readonly #added = new Set<string>();
  readonly #declared = new Set<string>();
  /** Slots and counts of the key that the text declares. */
  readonly #used = new Set<string>();
  readonly #promises: { readonly by: ShaderLine; readonly module: string; readonly name: string }[] = [];

  constructor(key: ShaderKey, open: boolean) {
    this.#key = key;
    this.#open = open;
    this.#add(fileOf(key.kernel), '', -1);
    const { slots, counts = {} } = key;
    for (const name of [...Object.keys(slots), ...Object.keys(counts)])
      if (!this.#used.has(name)) throw new Error(`${key.kernel}.wgsl: '${name}' is filled, and no line declares it`);
    // what a module itself lacks is said before what its kernel misses
    for (const { by, module, name } of this.#promises.reverse())
      if (!this.#declared.has(name)) throw shaderError(by, `'${module}' has no ${name}`);
  }

  /** Adds a file, once, then what it imports and what fills its slots. All that it declares is given the ending. */
  #add(name: string, ending: string, place: number): void {
    if (this.#added.has(name + ending)) return;
    this.#added.add(name + ending);
    const file = linesOf(name);
    const lines = expand(file, this.#timesOf(file, ending));
    const own = lines.flatMap(({ text }) => DECLARED.exec(text)?.[1] ?? []);
    for (const one of own) this.#declared.add(one + ending);
    const after: (() => void)[] = [];
    for (const line of lines) {
      const text = ending === '' ? line.text : withEnding(line.text, own, ending);
      const [, imported] = IMPORT.exec(text) ?? [];
      if (imported) after.push(() => this.#add(imported, '', place));
      if (text.startsWith('//#slot ')) after.push(() => this.#fill({ ...line, text }));
      this.lines.push({ ...line, text: this.#declaration(text, place) });
    }
    for (const add of after) add();
  }

  /** Adds the module that fills a slot. */
  #fill(line: ShaderLine): void {
    const declared = SLOT.exec(line.text);
    if (!declared) throw shaderError(line, 'a slot is `//#slot NAME: FOLDER/ for NAMES`, and maybe `as *_NAME`');
    const [, slot, folder, names, renamed] = declared as unknown as [string, string, string, string, string?];
    this.#used.add(slot);
    const module = this.#key.slots[slot];
    if (module === undefined && this.#open) return;
    if (module === undefined) throw shaderError(line, `nothing fills the slot '${slot}'`);
    if (!module.startsWith(`${folder}/`)) throw shaderError(line, `'${module}' is not of ${folder}/`);
    const ending = renamed ? `_${slot}` : '';
    for (const name of names.split(', ')) this.#promises.push({ by: line, module, name: name + ending });
    this.#add(module, ending, Object.keys(this.#key.slots).indexOf(slot));
  }

  /** How much the ends of a file's loops are: its constants, and its counts. */
  #timesOf(lines: readonly ShaderLine[], ending: string): Record<string, number> {
    const times: Record<string, number> = {};
    for (const line of lines) {
      const [, name, value] = CONSTANT.exec(line.text) ?? [];
      if (name) times[name] = Number(value);
      const [, count] = COUNT.exec(line.text) ?? [];
      if (count) times[count] = this.#count(count + ending, line);
    }
    return times;
  }

  #count(name: string, line: ShaderLine): number {
    this.#used.add(name);
    const count = this.#key.counts?.[name] ?? (this.#open ? 1 : undefined);
    if (count === undefined) throw shaderError(line, `nothing says how much ${name} is`);
    return count;
  }

  /** Names of group 1's buffers in binding order: that of the slots, then of the files. */
  get bindings(): string[] {
    const buffers = [...this.#buffers].sort(([, a], [, b]) => a - b);
    return buffers.map(([name]) => name);
  }

  /** The text, its buffers numbered. */
  numbered(): ShaderLine[] {
    const { bindings } = this;
    return this.lines.map((line) => {
      const [, buffer] = BINDING.exec(line.text) ?? [];
      return buffer ? { ...line, text: line.text.replace('$', String(bindings.indexOf(buffer))) } : line;
    });
  }

  /** A count as a constant; nothing where a buffer of group 1 is declared already. */
  #declaration(text: string, place: number): string {
    return text
      .replace(COUNT, (_, name: string) => `const ${name} = ${this.#key.counts?.[name] ?? 1}u; //#count`)
      .replace(BINDING, (whole, buffer: string) => {
        const known = this.#buffers.get(buffer);
        this.#buffers.set(buffer, Math.min(place, known ?? place));
        return known === undefined ? whole : '';
      });
  }
}

/**
 * Imports the texts of what is linked, where they are not there yet.
 *
 * @returns undefined where all are there
 * @throws Exact8Error where a file is not to be had
 */
export function loadShader({ kernel, slots }: ShaderKey): Promise<unknown> | undefined {
  return loadTexts([kernel, ...Object.values(slots)]);
}

/**
 * Puts a kernel, what it imports and what fills its slots into one text: WGSL resolves names in any order, but for
 * directives, which come first. ARCHITECTURE.md walks through an example. `loadShader` has its texts loaded.
 *
 * @throws Error naming the file: a slot that is not filled, or filled and not declared; a module that is not of the
 * slot's folder, or has not what the slot is for; a count likewise
 */
export function linkShader(key: ShaderKey): LinkedShader {
  return linked(key, false);
}

/** What a kernel declares: its text with what it imports, its slots open, its counts 1. */
export function openShader(kernel: string): LinkedShader {
  return linked({ kernel, slots: {} }, true);
}

function linked(key: ShaderKey, open: boolean): LinkedShader {
  const linker = new Linker(key, open);
  const isDirective = ({ text }: ShaderLine): boolean => DIRECTIVE.test(text);
  const numbered = linker.numbered();
  const lines = [...numbered.filter(isDirective), ...numbered.filter((line) => !isDirective(line))];
  return {
    label: [key.kernel, ...Object.values(key.slots)].join(' + '),
    code: lines.map(({ text }) => text).join('\n'),
    bindings: linker.bindings,
    origin(line) {
      const { file, line: own } = lines[line - 1] ?? { file: `${key.kernel}.wgsl`, line };
      return { file, line: own };
    },
  };
}
