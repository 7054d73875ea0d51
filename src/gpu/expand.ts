/** A line of a shader that is compiled, and where it was written. */
export interface ShaderLine {
  readonly text: string;
  readonly file: string;
  /** 1-based, in the file. */
  readonly line: number;
}

/** A shader that cannot be put together: which line of it, and why. */
export const shaderError = ({ file, line }: ShaderLine, why: string): Error => new Error(`${file}:${line}: ${why}`);

const FOR = /^\s*\/\/#for (\$[a-z]+ in 0\.\.\w+(?:, \$[a-z]+ in 0\.\.\w+)*)$/;
const END = /^\s*\/\/#end$/;
const MARKED = /^[^/]*?(\$[a-z]+)/;

/**
 * Writes out a shader's marked loops. The lines between
 *
 *     //#for $k in 0..WORDS
 *     let w_$k = weights[at + $k];
 *     //#end
 *
 * are repeated, `$k` replaced by 0, 1, ... (`let w_0 = weights[at + 0];`). Nothing that is not marked is touched. The
 * end is a number, or one of `counts` by name. Loops nest, in one line (`//#for $i in 0..2, $k in 0..4`) or in several.
 *
 * @throws Error naming the file and line: a loop that is not closed, an end that is not known, a `$k` of no loop
 */
export function expand(lines: readonly ShaderLine[], counts: Readonly<Record<string, number>>): ShaderLine[] {
  const expanded: ShaderLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const loops = FOR.exec(line.text)?.[1];
    if (loops) {
      const end = closing(lines, i);
      expanded.push(...repeated(lines.slice(i + 1, end), line, loops.split(', '), counts));
      i = end;
      continue;
    }
    if (END.test(line.text)) throw shaderError(line, '//#end without //#for');
    const [, marked] = MARKED.exec(line.text) ?? [];
    if (marked) throw shaderError(line, `no //#for gives ${marked}`);
    expanded.push(line);
  }
  return expanded;
}

/** The body of a loop, as often as its loops say, the first of which is the outermost. */
function repeated(
  body: readonly ShaderLine[],
  line: ShaderLine,
  [loop, ...inner]: readonly string[],
  counts: Readonly<Record<string, number>>,
): ShaderLine[] {
  if (loop === undefined) return expand(body, counts);
  const [name, count] = loop.split(' in 0..') as [string, string];
  const times = counts[count] ?? Number(count);
  if (!Number.isInteger(times)) throw shaderError(line, `nothing says how much ${count} is`);
  const marks = new RegExp(`\\${name}(?![a-z])`, 'g');
  return Array.from({ length: times }, (_, k) => {
    const own = body.map((each) => ({ ...each, text: each.text.replace(marks, String(k)) }));
    return repeated(own, line, inner, counts);
  }).flat();
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

/** The text with an ending behind each of the names; fields that are named alike are left alone. */
export function withEnding(text: string, names: readonly string[], ending: string): string {
  return text.replace(new RegExp(`(?<![.\\w])(?:${names.join('|')})\\b`, 'g'), `$&${ending}`);
}
