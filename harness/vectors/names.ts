/** Of a name: file systems take 255 bytes, with what is put behind it. */
const MOST = 100;

/**
 * A file name for each name: letters, digits, '_', '.' and '-' stay, all else becomes '_'; names that
 * would be the same, or differ in case alone, are numbered. Of long ones the beginning is left.
 */
export function fileNames(names: Iterable<string>): Map<string, string> {
  const taken = new Set<string>();
  const result = new Map<string, string>();
  for (const name of names) {
    const plain =
      name
        .replaceAll(/[^\w.-]/g, '_')
        .replace(/^[.-]/, '_')
        .slice(0, MOST) || '_';
    let file = plain;
    for (let i = 2; taken.has(file.toLowerCase()); i++) file = `${plain}_${i}`;
    taken.add(file.toLowerCase());
    result.set(name, file);
  }
  return result;
}
