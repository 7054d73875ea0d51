import { InvalidInputError } from '../../src/errors.ts';
import { ENGINES } from '../../src/engines/index.ts';
import { EVERY_PROCESSOR, PROCESSORS, RUNTIMES, type Processor, type Runtime } from '../../src/engines/origin.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { printResult, table } from './output.ts';
import { detectProcessor } from './processor.ts';

/** Where the table of all machines and runtimes is. */
export const PAGE = 'docs/engines.md';

/** The engine that a runtime is on a processor; undefined where none is known. */
export function engineOn(runtime: Runtime, processor: Processor): string | undefined {
  return ENGINES.find(({ origins = [] }) =>
    origins.some((origin) => origin.runtime === runtime && origin.processors.includes(processor)),
  )?.name;
}

/** Whose engine it is: a line a runtime. */
export function originsOf(name: string): string[] {
  const { origins = [] } = ENGINES.find((engine) => engine.name === name) ?? {};
  return origins.map(({ runtime, processors }) => {
    const short = processors.map((processor) => PROCESSORS[processor].split(':')[0]);
    const where = processors.length === EVERY_PROCESSOR.length ? 'on every processor' : `on ${short.join(' or ')}`;
    return `${name} is ${RUNTIMES[runtime]}, ${where}`;
  });
}

export const RUNTIME_NAMES = Object.keys(RUNTIMES) as readonly Runtime[];

/**
 * `exact8 engines --mine`: which engine each runtime is on this machine.
 *
 * @throws InvalidInputError where the system does not say what its processor can do
 */
export function printMine(json: boolean | undefined): ExitCode {
  const { name, processor, evidence } = detectProcessor();
  if (!processor)
    throw new InvalidInputError(
      `--mine: ${evidence}; ${PAGE} has the table of all processors, and 'exact8 identify' asks a recorded trace`,
    );
  const engines = RUNTIME_NAMES.map((runtime) => ({ runtime, engine: engineOn(runtime, processor) ?? null }));
  const rows = engines.map(({ runtime, engine }) => [RUNTIMES[runtime], engine ?? 'none that exact8 knows']);
  printResult(
    json,
    { processor, name, evidence, engines },
    [
      `${name}: ${evidence}`,
      PROCESSORS[processor],
      '',
      table(['what runs the model here', 'is this engine'], rows, []),
      '',
      `Other machines: ${PAGE}. Which engine made a trace: exact8 identify.`,
    ].join('\n'),
  );
  return EXIT.done;
}
