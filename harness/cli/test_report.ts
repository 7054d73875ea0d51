import type { Command } from 'commander';
import { describeDifference, type Comparison } from '../compare/compare.ts';
import { githubAnnotations, junitXml, type TestCase } from '../report/test_report.ts';
import type { Verification } from '../worker/protocol.ts';
import type { ExitCode } from './exit_codes.ts';
import { writeOutput } from './files.ts';
import { note } from './output.ts';

/** For the programs that show tests. */
export interface TestReportOptions {
  readonly junit?: string;
  readonly github?: boolean;
}

export function addTestReportOptions(command: Command): Command {
  return command
    .option('--junit <file>', 'also write a test a tensor (with --models: a model), as JUnit does')
    .option('--github', 'also print what differs as annotations of GitHub Actions, on standard error');
}

/** Also reports what `run` tested, or why it could not. */
export async function reportTests(
  title: string,
  { junit, github }: TestReportOptions,
  run: () => Promise<{ readonly cases: readonly TestCase[]; readonly code: ExitCode }>,
): Promise<ExitCode> {
  const report = async (cases: readonly TestCase[]): Promise<void> => {
    if (github) for (const line of githubAnnotations(title, cases)) note(line);
    if (junit !== undefined) await writeOutput(junit, junitXml(cases));
  };
  const { cases, code } = await run().catch(async (error: Error) => {
    const outcome = { kind: 'error', message: `${error.name}: ${error.message}` } as const;
    // that the report cannot be written matters less
    await report([{ suite: title, name: 'run', outcome }]).catch(() => undefined);
    throw error;
  });
  await report(cases);
  return code;
}

interface VerifiedRun {
  readonly name: string;
  readonly verification: Verification;
}

/** A test for each tensor of each input, and one for that all runs are the same. @param missing tensors without a reference */
export function testsOf(model: string, inputs: readonly VerifiedRun[], missing: readonly string[] = []): TestCase[] {
  return inputs.flatMap(({ name, verification: { comparison, layers, unsteady } }) => {
    const suite = `${model}, ${name}`;
    const unlike = unsteady && (`run ${unsteady.run} gives another ${unsteady.tensor} than run 1` as const);
    return [
      ...tensorTests(suite, comparison),
      ...missing.map((tensor) => test(suite, tensor, 'skipped', 'the reference does not have it')),
      ...(layers ? tensorTests(`${suite}, each layer by itself`, layers) : []),
      unlike ? test(suite, 'runs are identical', 'failure', unlike) : { suite, name: 'runs are identical' },
    ];
  });
}

const test = (
  suite: string,
  name: string,
  kind: NonNullable<TestCase['outcome']>['kind'],
  message: string,
): TestCase => ({ suite, name, outcome: { kind, message } });

function tensorTests(suite: string, { tensors }: Comparison): TestCase[] {
  return tensors.map((tensor) =>
    tensor.mismatches > 0
      ? test(suite, tensor.name, 'failure', describeDifference(tensor))
      : { suite, name: tensor.name },
  );
}

/** Of `--models`: a test for each. One that does not run is skipped, as the exit code has it. */
export function testsOfModels(
  rows: readonly {
    readonly model: string;
    readonly refused?: string;
    readonly elements?: number;
    readonly mismatches?: number;
  }[],
): TestCase[] {
  return rows.map(({ model, refused, elements = 0, mismatches = 0 }) => {
    if (refused !== undefined) return test('models', model, 'skipped', refused);
    const differ = `${mismatches.toLocaleString('en-US')} of ${elements.toLocaleString('en-US')} elements differ`;
    return mismatches > 0 ? test('models', model, 'failure', differ) : { suite: 'models', name: model };
  });
}
