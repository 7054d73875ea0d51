import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { DeviceError } from '../../src/errors.ts';
import { NoBrowserError } from '../chrome/errors.ts';
import type { AdapterChoice } from '../chrome/launch.ts';
import type { PageServer } from '../chrome/server.ts';
import type { ProcessRequest, ProcessStarted, WorkerHost, WorkerReply } from '../worker/protocol.ts';
import { DRIVER_ADVICE, driversFor } from './drivers.ts';
import { ROOT } from './packages.ts';
import { findRuntime, type Program, type Runtime } from './runtimes.ts';

const WORKER = join(ROOT, 'dist/worker/process.js');
/** Longer than any driver takes to start. */
const START_MS = 60_000;
/** Of what drivers print, the end is shown where they crash. */
const LOG_BYTES = 2_000;

/**
 * Starts the worker in a process of its own, on Dawn or on wgpu. 'auto' is the Vulkan loader's choice, which is a GPU
 * where there is one, and SwiftShader where it finds no adapter that the runtime takes.
 *
 * @throws NoBrowserError where the runtime, the driver or an adapter is not there
 */
export async function openProcess(runtime: Runtime, choice: AdapterChoice, server: PageServer): Promise<WorkerHost> {
  const program = findRuntime(runtime);
  for (const driver of driversFor(choice)) {
    const worker = startWorker(program, driver, server);
    try {
      const { adapter } = (await worker.start()) as ProcessStarted;
      if (adapter) return { ...worker, adapter, runtime: program.name };
    } catch (error) {
      worker.close();
      throw error;
    }
    worker.close();
  }
  throw new NoBrowserError(
    `${program.name} gives no WebGPU adapter: it needs a Vulkan driver. ${DRIVER_ADVICE.swiftshader}`,
  );
}

/** Chrome has Vulkan's loader beside its driver, which serves where the system has none. */
function driverEnvironment(driver: string): Record<string, string> {
  const loaders = [process.env['LD_LIBRARY_PATH'], dirname(driver)].filter(Boolean).join(delimiter);
  return { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: loaders };
}

/** @param driver a Vulkan driver's manifest; without, the loader chooses */
export function startWorker(program: Program, driver: string | undefined, server: PageServer) {
  const { command, before, after, name } = program;
  const child = spawn(command, [...before, WORKER, server.origin, ...after], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...(driver ? driverEnvironment(driver) : {}) },
  });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-LOG_BYTES);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // a request that a crash has left nobody to read
  child.stdin.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`does not start: ${error.message}`));
    child.on('close', (code, signal) => resolve(`ended (${signal ?? `exit code ${code}`})\n${log.trim()}`));
  });

  async function request(method: ProcessRequest['method'], args: readonly unknown[]): Promise<unknown> {
    const { path, bytes } = server.expectResult();
    child.stdin.write(`${JSON.stringify({ method, args, reply: path } satisfies ProcessRequest)}\n`);
    const crashed = ended.then((how) => {
      throw new DeviceError(`the process that runs ${name} ${how}`);
    });
    return JSON.parse(new TextDecoder().decode(await Promise.race([bytes, crashed])));
  }

  return {
    start: () => within(START_MS, request('start', []), `${name} does not start: no answer in ${START_MS / 1000} s`),
    call: async (method: ProcessRequest['method'], args: readonly unknown[]) =>
      (await request(method, args)) as WorkerReply,
    // All replies are here: nothing is left to do, and a driver's own way of ending may be a crash.
    close: async () => void child.kill('SIGKILL'),
  };
}

async function within<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoBrowserError(message)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
