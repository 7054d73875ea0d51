import { expect, it } from 'vitest';
import { githubAnnotations, junitXml, type TestCase } from './test_report.ts';

const CASES: readonly TestCase[] = [
  { suite: 'm.onnx', name: 'a' },
  { suite: 'm.onnx', name: 'b', outcome: { kind: 'failure', message: '1 of 2 differ\n<&">\u0000' } },
  { suite: 'n.onnx', name: 'c', outcome: { kind: 'skipped', message: "it's not recorded" } },
  { suite: 'n.onnx', name: 'd', outcome: { kind: 'error', message: 'no browser' } },
];

it('JUnit: suites, cases and counts, and every character in its place', () => {
  expect(junitXml(CASES)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" errors="1" skipped="1">
<testsuite name="m.onnx" tests="2" failures="1" errors="0" skipped="0">
<testcase classname="m.onnx" name="a" />
<testcase classname="m.onnx" name="b"><failure message="1 of 2 differ">1 of 2 differ
&lt;&amp;&quot;&gt;\uFFFD</failure></testcase>
</testsuite>
<testsuite name="n.onnx" tests="2" failures="0" errors="1" skipped="1">
<testcase classname="n.onnx" name="c"><skipped message="it&#39;s not recorded">it&#39;s not recorded</skipped></testcase>
<testcase classname="n.onnx" name="d"><error message="no browser">no browser</error></testcase>
</testsuite>
</testsuites>
`);
});

it('GitHub: a line for what failed, with what would end the line or the title by its code', () => {
  expect(githubAnnotations('verify: a, b', CASES)).toEqual([
    '::error title=verify%3A a%2C b::m.onnx: b: 1 of 2 differ%0A<&">\u0000',
    '::error title=verify%3A a%2C b::n.onnx: d: no browser',
    "::warning title=verify%3A a%2C b::n.onnx: c: it's not recorded",
  ]);
  expect(githubAnnotations('verify', [CASES[0]!, CASES[2]!])).toEqual([
    "::warning title=verify::n.onnx: c: it's not recorded",
    '::notice title=verify::1 of 2 equal',
  ]);
  expect(githubAnnotations('100 %', [])).toEqual(['::notice title=100 %25::0 of 0 equal']);
});

it('GitHub shows ten of a kind: more are counted', () => {
  const many = (count: number): string[] =>
    githubAnnotations(
      'v',
      Array.from({ length: count }, (_, i) => ({ ...CASES[1]!, name: `t${i}` })),
    );
  expect(many(10)).toHaveLength(10);
  expect(many(10)[9]).toContain('t9');
  expect(many(12)).toHaveLength(10);
  expect(many(12)[9]).toBe('::error title=v::and 3 more');
});
