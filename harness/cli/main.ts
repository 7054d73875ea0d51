import { Command, CommanderError } from 'commander';
import { version } from '../../package.json' with { type: 'json' };
import { Exact8Error } from '../../src/errors.ts';
import { addBench } from './bench.ts';
import { addBlind } from './blind.ts';
import { addCases } from './cases.ts';
import { addClassify } from './classify.ts';
import { addCost } from './cost.ts';
import { addDemo } from './demo.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit_codes.ts';
import { addEngines } from './engines.ts';
import { addExplain } from './explain.ts';
import { addFetch } from './fetch.ts';
import { addIdentify } from './identify.ts';
import { addInspect } from './inspect.ts';
import { clearProgress, note } from './output.ts';
import { addMatrix } from './matrix.ts';
import { addPack } from './pack.ts';
import { addTrace } from './trace.ts';
import { addTune } from './tune.ts';
import { addVerify } from './verify.ts';
import { addVectors } from './write_vectors.ts';

const EXIT_CODES = `
Exit codes: 0 equal or done, 1 differs, 2 bad usage or input, 3 no browser or adapter, 4 internal error.
Environment: EXACT8_CHROME=/path/to/chrome chooses the browser.`;

async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const done = (result: ExitCode): void => {
    code = result;
  };
  const program = new Command('exact8')
    .description('8-bit quantized CNNs on WebGPU, equal bit for bit to the engine you name')
    .version(version)
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  addClassify(program, done);
  addVerify(program, done);
  addTrace(program, done);
  addInspect(program, done);
  addCost(program, done);
  addIdentify(program, done);
  addEngines(program, done);
  addExplain(program, done);
  addBlind(program, done);
  addCases(program, done);
  addBench(program, done);
  addTune(program, done);
  addMatrix(program, done);
  addVectors(program, done);
  addPack(program, done);
  addFetch(program, done);
  addDemo(program, done);
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    clearProgress();
    // Commander has printed its own errors.
    if (!(error instanceof CommanderError)) report(error);
    return exitCodeOf(error);
  }
}

/** Errors that exact8 throws on purpose are for people; of any other, where it came from is worth knowing. */
function report(error: unknown): void {
  if (error instanceof Exact8Error) note(`exact8: ${error.message}`);
  else note(`exact8: internal error: ${error instanceof Error ? error.stack : String(error)}`);
}

process.exitCode = await main(process.argv);
