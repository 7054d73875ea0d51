const ZIP_MAGIC = [0x50, 0x4b, 0x03, 0x04];
/** PROTO 2 and the LONG1 that every legacy file starts with. */
const LEGACY_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => bytes[i] === byte);

/** What the archives of torch.save and torch.jit.save begin with, one or the other. */
const FIRST_ENTRY =
  /^[^/]+\/(data\.pkl|constants\.pkl|version|byteorder|(data|constants|code|extra|traced_inputs|\.data)\/.*|\.format_version)$/;

/** Begins with the magic number of torch.save before PyTorch 1.6. */
export const isLegacy = (bytes: Uint8Array): boolean => startsWith(bytes, LEGACY_MAGIC);

/** Written by torch.save or torch.jit.save: a zip archive with their entries, or the legacy format's magic number. */
export function isTorch(bytes: Uint8Array): boolean {
  if (isLegacy(bytes)) return true;
  if (!startsWith(bytes, ZIP_MAGIC) || bytes.length < 30) return false;
  const nameLength = bytes[26]! | (bytes[27]! << 8);
  return FIRST_ENTRY.test(String.fromCharCode(...bytes.subarray(30, 30 + nameLength)));
}
