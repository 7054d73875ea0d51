import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeOutput } from '../cli/files.ts';
import { writeWhole } from './whole.ts';
import { InvalidInputError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'exact8-whole-'));
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As of a disk that fills up in the middle. */
const full = (): never => {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
};

describe('writeWhole', () => {
  it('leaves nothing of a folder that is not whole, and says why', async () => {
    const out = join(folder, 'a/vectors/');
    const writing = writeWhole(out, async (part) => {
      await mkdir(join(part, 'tensors'), { recursive: true });
      await writeFile(join(part, 'tensors/x.npy'), 'half');
      full();
    });
    await expect(writing).rejects.toThrow(InvalidInputError);
    await expect(writing).rejects.toThrow(/cannot write .*vectors.*no space left/);
    expect(readdirSync(join(folder, 'a'))).toEqual([]);
  });

  it('shows a folder only when it is whole', async () => {
    const out = join(folder, 'vectors');
    await writeWhole(out, async (part) => {
      await mkdir(part);
      await writeFile(join(part, 'x'), '1');
      expect(existsSync(out)).toBe(false);
    });
    expect(readdirSync(folder)).toEqual(['vectors']);
    expect(readdirSync(out)).toEqual(['x']);
  });

  it('gives errors that are not about files as they are', async () => {
    const wrong = new TypeError('a mistake');
    await expect(writeWhole(join(folder, 'x'), () => Promise.reject(wrong))).rejects.toBe(wrong);
  });
});

describe('writeOutput', () => {
  it('replaces a file as a whole, and writes through a link', async () => {
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'before');
    symlinkSync(file, link);
    await writeOutput(link, 'after');
    expect(readFileSync(file, 'utf8')).toBe('after');
    expect(readdirSync(folder).sort()).toEqual(['file', 'link']);
  });

  it('writes to a device', async () => {
    await writeOutput('/dev/null', 'nothing');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('keeps what is there where it cannot write', async () => {
    const inside = join(folder, 'file/inside');
    writeFileSync(join(folder, 'file'), 'before');
    await expect(writeOutput(inside, 'x')).rejects.toThrow(/cannot write/);
    await expect(writeOutput(folder, 'x')).rejects.toThrow(/cannot write .*EISDIR/);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('before');
  });
});
