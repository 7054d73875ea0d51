/** A line of a shader that is compiled, and where it was written. */
export interface ShaderLine {
  readonly text: string;
  readonly file: string;
  /** 1-based, in the file. */
  readonly line: number;
}

/** A shader that cannot be put together: which line of it, and why. */
export const shaderError = ({ file, line }: ShaderLine, why: string): Error => new Error(`${file}:${line}: ${why}`);

const FOR = /^\s*\/\/#for \$([a-z]+) in 0\.\.(\w+)\s*$/;
const END = /^\s*\/\/#end\s*$/;
const MARKED = /^[^/]*?\$[a-z]+/;

/**
 * Writes out a shader's marked loops. The lines between
 *
 *     //#for $k in 0..WORDS
 *     let w_$k = weights[at + $k];
 *     //#end
 *
 * are repeated, `$k` replaced by 0, 1, ... (`let w_0 = weights[at + 0];`). Nothing that is not marked is touched. The
 * end is a number, or one of `counts` by name. Loops nest.
 *
 * @throws Error naming the file and line: a loop that is not closed, an end that is not known, a `$k` of no loop
 */
export function expand(lines: readonly ShaderLine[], counts: Readonly<Record<string, number>>): ShaderLine[] {
  const expanded: ShaderLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const loop = FOR.exec(line.text);
    if (!loop) {
      if (END.test(line.text)) throw shaderError(line, '//#end without //#for');
      if (MARKED.test(line.text)) throw shaderError(line, `no //#for gives ${/\$[a-z]+/.exec(line.text)![0]}`);
      expanded.push(line);
      continue;
    }
    const [, name, count] = loop as unknown as [string, string, string];
    const times = counts[count] ?? Number(count);
    if (!Number.isInteger(times)) throw shaderError(line, `nothing says how much ${count} is`);
    const end = closing(lines, i);
    const marks = new RegExp(`\\$${name}(?![a-z])`, 'g');
    for (let k = 0; k < times; k++) {
      const body = lines.slice(i + 1, end).map((each) => ({ ...each, text: each.text.replace(marks, String(k)) }));
      expanded.push(...expand(body, counts));
    }
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
  throw shaderError(lines[start]!, '//#for without //#end');
}
