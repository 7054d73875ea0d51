import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoBrowserError } from '../chrome/errors.ts';
import { servePage, type PageServer } from '../chrome/server.ts';
import { findPuppeteer } from '../firefox/puppeteer.ts';
import { startWorker } from './launch.ts';
import { findRuntime, type Program } from './runtimes.ts';
import { DeviceError } from '../../src/errors.ts';
import { findDriver, type DriverSurroundings } from './drivers.ts';

describe('findDriver', () => {
  const only = (...paths: string[]): DriverSurroundings => ({
    env: {},
    chrome: undefined,
    exists: (path) => paths.includes(path),
    list: (folder) => paths.flatMap((path) => (path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : [])),
  });

  it.each([
    ['swiftshader', '/usr/lib/chromium/vk_swiftshader_icd.json'],
    ['swiftshader', '/opt/google/chrome/vk_swiftshader_icd.json'],
    ['swiftshader', '/usr/share/vulkan/icd.d/vk_swiftshader_icd.json'],
    ['llvmpipe', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'],
    ['llvmpipe', '/usr/share/vulkan/icd.d/lvp_icd.json'],
  ] as const)('finds %s at %s', (driver, path) => {
    expect(findDriver(driver, only('/usr/share/vulkan/icd.d/intel_icd.x86_64.json', path))).toBe(path);
  });

  it('finds SwiftShader beside a Chrome that was chosen, and what VK_DRIVER_FILES names', () => {
    const path = '/mine/vk_swiftshader_icd.json';
    expect(findDriver('swiftshader', { ...only(path), chrome: '/mine/chrome' })).toBe(path);
    const env = { VK_DRIVER_FILES: `/other/nothing.json:${path}` };
    expect(findDriver('swiftshader', { ...only(path), env })).toBe(path);
  });

  it('finds nothing where nothing is installed', () => {
    expect(findDriver('llvmpipe', only('/usr/share/vulkan/icd.d/intel_icd.x86_64.json'))).toBeUndefined();
    expect(findDriver('swiftshader', { ...only(), env: { VK_DRIVER_FILES: '/gone/vk_swiftshader_icd.json' } })).toBe(
      undefined,
    );
  });
});

describe('findRuntime', () => {
  it.each([
    ['node', 'npm install webgpu'],
    ['deno', 'npm install --no-save deno'],
  ] as const)('says what %s needs where it is not installed', (runtime, advice) => {
    const nowhere = { importers: [join(tmpdir(), 'exact8-nothing/package.json')], path: '/nowhere' };
    expect(() => findRuntime(runtime, nowhere)).toThrow(NoBrowserError);
    expect(() => findRuntime(runtime, nowhere)).toThrow(advice);
  });

  it('says what Firefox needs', () => {
    const find = () => findPuppeteer([join(tmpdir(), 'exact8-nothing/package.json')]);
    expect(find).toThrow(NoBrowserError);
    expect(find).toThrow('npm install puppeteer-core');
  });
});

describe('a worker in a process', () => {
  let server: PageServer;
  beforeAll(async () => {
    server = await servePage(tmpdir());
  });
  afterAll(() => server.close());

  /** A process that does as `script` says when it is asked for something. */
  const program = (script: string): Program => ({
    name: 'a driver',
    command: process.execPath,
    before: ['-e', `process.stdin.once('data', (line) => { ${script} })`, '--'],
    after: [],
  });

  it('that crashes is an error with the signal and the last words, now and for every later request', async () => {
    const crash = `process.stderr.write('out of luck', () => process.kill(process.pid, 'SIGSEGV'))`;
    const worker = startWorker(program(crash), undefined, server);
    const error = await worker.start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeviceError);
    expect(String(error)).toMatch(/a driver ended \(SIGSEGV\)\nout of luck/);
    await expect(worker.call('run', [{}])).rejects.toThrow('SIGSEGV');
  });

  it('that ends without an answer is an error', async () => {
    const worker = startWorker(program('process.exit(0)'), undefined, server);
    await expect(worker.call('run', [{}])).rejects.toThrow('a driver ended (exit code 0)');
  });

  it('that is not there is an error', async () => {
    const worker = startWorker({ ...program(''), command: '/nowhere/deno' }, undefined, server);
    await expect(worker.start()).rejects.toThrow('a driver does not start');
  });

  it('answers by a post to the server, whatever is printed', async () => {
    const answer = `console.log('{"value":2}');
      const { reply } = JSON.parse(line);
      fetch(process.argv.at(-1) + reply, { method: 'POST', body: '{"value":1}' })`;
    const worker = startWorker(program(answer), undefined, server);
    expect(await worker.call('run', [{}])).toEqual({ value: 1 });
    await worker.close();
  });
});
