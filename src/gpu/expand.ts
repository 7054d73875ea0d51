/** A line of a shader that is compiled, and where it was written. */
export interface ShaderLine {
  readonly text: string;
  readonly file: string;
  /** 1-based, in the file. */
  readonly line: number;
}

const FOR = /^\s*\/\/#for (\w+) in 0\.\.(\w+)\s*$/;
const END = /^\s*\/\/#end\s*$/;

/**
 * Unrolls a shader's marked loops. The lines between
 *
 *     //#for k in 0..WORDS
 *     let w_k = weights[at + k];
 *     //#end
 *
 * are repeated for k = 0, 1, ..., with `_k` at the end of a name and `k` as a word of its own replaced
 * (`let w_0 = weights[at + 0u];`). The count is a number, or one of `counts` by name. Loops nest; what is
 * written is itself WGSL.
 *
 * @throws Error where a loop is not closed, or its count is not known
 */
export function expand(lines: readonly ShaderLine[], counts: Readonly<Record<string, number>>): ShaderLine[] {
  const expanded: ShaderLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const loop = FOR.exec(line.text);
    if (!loop) {
      if (END.test(line.text)) throw new Error(`${line.file}:${line.line}: //#end without //#for`);
      expanded.push(line);
      continue;
    }
    const [, name, count] = loop as unknown as [string, string, string];
    const times = counts[count] ?? Number(count);
    if (!Number.isInteger(times)) throw new Error(`${line.file}:${line.line}: nothing says how much ${count} is`);
    const end = closing(lines, i);
    const body = lines.slice(i + 1, end);
    for (let k = 0; k < times; k++) expanded.push(...expand(body.map(replaced(name, k)), counts));
    i = end;
  }
  return expanded;
}

/** The index of the //#end that closes the loop at `start`. */
function closing(lines: readonly ShaderLine[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (FOR.test(lines[i]!.text)) depth++;
    if (END.test(lines[i]!.text) && --depth === 0) return i;
  }
  throw new Error(`${lines[start]!.file}:${lines[start]!.line}: //#for without //#end`);
}

function replaced(name: string, value: number): (line: ShaderLine) => ShaderLine {
  const suffix = new RegExp(`(?<=\\w)_${name}(?![a-zA-Z0-9])`, 'g');
  const word = new RegExp(`\\b${name}\\b`, 'g');
  return (line) => ({ ...line, text: line.text.replace(suffix, `_${value}`).replace(word, `${value}u`) });
}
