import { Command, CommanderError } from 'commander';
import { version } from '../../package.json' with { type: 'json' };
import { Exact8Error, InvalidInputError } from '../../src/errors.ts';
import { addBench } from './bench.ts';
import { addCases } from './cases.ts';
import { addClassify } from './classify.ts';
import { addDemo } from './demo.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit_codes.ts';
import { addEngines } from './engines.ts';
import { addExplain } from './explain.ts';
import { addFetch } from './fetch.ts';
import { addIdentify } from './identify.ts';
import { addInspect } from './inspect.ts';
import { endOnSignals } from './interrupt.ts';
import { clearProgress, note, printError, printErrorObject } from './output.ts';
import { addTrace } from './trace.ts';
import { addTune } from './tune.ts';
import { addVerify } from './verify.ts';
import { addVectors } from './vectors.ts';

const EXIT_CODES = `
Exit codes: 0 equal or done, 1 differs, 2 bad usage or input, 3 no browser or adapter, 4 internal error,
128 + n ended by the signal n.
Environment: EXACT8_CHROME=/path/to/chrome and EXACT8_FIREFOX=/path/to/firefox choose the browser.`;

const FORMER_COMMANDS = {
  pack: 'exact8 vectors --pack',
  cost: 'exact8 inspect --cost',
  blind: 'npm run soak -- blind, in a checkout',
  matrix: 'npm run soak -- matrix, in a checkout',
};

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
  addIdentify(program, done);
  addEngines(program, done);
  addExplain(program, done);
  addCases(program, done);
  addBench(program, done);
  addTune(program, done);
  addVectors(program, done);
  addFetch(program, done);
  addDemo(program, done);
  for (const [name, now] of Object.entries(FORMER_COMMANDS))
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new InvalidInputError(`${name} is ${now} now`);
      });
  try {
    await program.parseAsync(argv.map(withoutOldNames));
    return code;
  } catch (error) {
    return report(error);
  }
}

/** `--semantics` is the former name of `--engine`. */
const withoutOldNames = (argument: string): string => argument.replace(/^--semantics(?==|$)/, '--engine');

const json = process.argv.includes('--json');

/** Errors that exact8 throws on purpose are for people; of any other, where it came from is worth knowing. */
function report(error: unknown): ExitCode {
  clearProgress();
  const exitCode = exitCodeOf(error);
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof Exact8Error) printError(json, { name, message, exitCode });
  // Commander has printed its own errors, and what --help asks for
  else if (!(error instanceof CommanderError))
    printError(json, { name, message, exitCode }, `internal error: ${stack}`);
  else if (exitCode !== EXIT.done && json) printErrorObject({ name, message, exitCode });
  return exitCode;
}

/** Who reads may have gone, which changes no result: `exact8 verify | head -1`. A full disk is another matter. */
let written = true;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  if (written) note(`exact8: the result cannot be written: ${error.message}`);
  written = false;
  process.exitCode = EXIT.badInput;
});
process.stderr.on('error', () => undefined);
// of Node's own accord the exit code would be 1, which means: differs
process.on('uncaughtException', (error) => process.exit(report(error)));

endOnSignals();
const code = await main(process.argv);
if (written) process.exitCode = code;
