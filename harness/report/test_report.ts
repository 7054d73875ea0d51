/** What was tested, for the programs that show tests: JUnit's XML, and the annotations of GitHub Actions. */
// by another name: Prettier would close elements in the middle of `html`
import { html as xml, Html } from './html.ts';

export interface TestCase {
  /** What it belongs to. */
  readonly suite: string;
  readonly name: string;
  /** Without these it passed. */
  readonly outcome?: {
    /** An error is what kept it from being tested. */
    readonly kind: 'failure' | 'error' | 'skipped';
    readonly message: string;
  };
}

const NOT_OF_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** One suite for each name, in the order of the cases. */
export function junitXml(cases: readonly TestCase[]): string {
  const suites = [...new Set(cases.map(({ suite }) => suite))].flatMap((suite) => {
    const own = cases.filter((one) => one.suite === suite);
    return [xml`<testsuite name="${suite}" ${counts(own)}>`, ...own.map(testcase), xml`</testsuite>`];
  });
  const all = [xml`<testsuites ${counts(cases)}>`, ...suites, xml`</testsuites>`];
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', ...all.map(({ text }) => text)];
  return `${lines.join('\n')}\n`.replaceAll(NOT_OF_XML, '\uFFFD');
}

function counts(cases: readonly TestCase[]): Html {
  const count = (kind: string): number => cases.filter(({ outcome }) => outcome?.kind === kind).length;
  const [failures, errors, skipped] = ['failure', 'error', 'skipped'].map(count);
  return xml`tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
}

function testcase({ suite, name, outcome }: TestCase): Html {
  const names = xml`classname="${suite}" name="${name}"`;
  if (!outcome) return xml`<testcase ${names} />`;
  const kind = new Html(outcome.kind);
  const [summary] = outcome.message.split('\n');
  return xml`<testcase ${names}><${kind} message="${summary}">${outcome.message}</${kind}></testcase>`;
}

/** GitHub shows no more of a kind for a step. */
const MOST_SHOWN = 10;
const COMMANDS = { failure: 'error', error: 'error', skipped: 'warning' } as const;

/** Lines that GitHub Actions turns into annotations wherever a step prints them: one for what failed, and a last one that counts. */
export function githubAnnotations(title: string, cases: readonly TestCase[]): string[] {
  const lines = { error: [] as string[], warning: [] as string[] };
  for (const { suite, name, outcome } of cases)
    if (outcome) lines[COMMANDS[outcome.kind]].push(`${suite}: ${name}: ${outcome.message}`);
  const failed = lines.error.length > 0;
  return [
    ...(['error', 'warning'] as const).flatMap((command) =>
      firstOf(lines[command]).map((line) => annotation(command, title, line)),
    ),
    ...(failed ? [] : [annotation('notice', title, `${cases.length - lines.warning.length} of ${cases.length} equal`)]),
  ];
}

function firstOf(lines: readonly string[]): readonly string[] {
  const most = MOST_SHOWN - 1;
  return lines.length <= MOST_SHOWN ? lines : [...lines.slice(0, most), `and ${lines.length - most} more`];
}

function annotation(command: string, title: string, message: string): string {
  return `::${command} title=${escaped(title, /[%\r\n:,]/g)}::${escaped(message, /[%\r\n]/g)}`;
}

/** As the runner of GitHub Actions reads its commands: special characters by their codes. */
const escaped = (text: string, special: RegExp): string =>
  text.replaceAll(special, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
