import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bindEngine } from '../explain/bound_engine.ts';
import { explain } from '../explain/explain.ts';
import type { LayerExplanation } from '../explain/explanation.ts';
import { differenceMaps, EQUAL, HIGHER, LOWER } from './difference_maps.ts';
import { reportLayer } from './explained_layer.ts';
import { renderExplanation, type ExplanationReport, type ReportLayer } from './explanation.ts';
import { bars } from './histogram.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { ElementData, TensorInfo } from '../../src/graph/graph.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';

const rgb = (hex: string): number[] => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const pixels = ({ data }: { data: Uint8Array }): number[][] =>
  Array.from({ length: data.length / 3 }, (_, p) => [...data.subarray(3 * p, 3 * p + 3)]);

describe('difference maps', () => {
  const info: TensorInfo = { name: 'y', type: 'uint8', shape: [1, 2, 2, 3] };
  const reference = Uint8Array.of(10, 10, 10, 10, 10, 10, 9, 9, 9, 9, 9, 9);
  const theirs = Uint8Array.of(9, 10, 11, 13, 6, 30, 9, 9, 9, 9, 9, 8);

  it('colour each channel by sign and size, the worst first', () => {
    const { channels, positions } = differenceMaps({ info, reference, theirs }, [5, 1], 8);
    expect(channels.map(({ channel, mismatches }) => [channel, mismatches])).toEqual([
      [0, 5],
      [1, 1],
    ]);
    expect(pixels(channels[0]!.picture)).toEqual([LOWER[0], EQUAL, HIGHER[0], HIGHER[1], LOWER[2], HIGHER[3]].map(rgb));
    expect(positions!.most).toBe(2);
    expect(pixels(positions!.picture)[1]).toEqual(rgb(EQUAL));
    expect(pixels(positions!.picture)[5]).not.toEqual(pixels(positions!.picture)[4]);
    expect(differenceMaps({ info, reference, theirs }, [5, 1], 1).channels).toHaveLength(1);
  });

  it('draw the channels of a tensor without pixels row by row', () => {
    const flat: TensorInfo = { name: 'y', type: 'int8', shape: [1, 8] };
    const { grid, positions } = differenceMaps(
      { info: flat, reference: Int8Array.of(0, 0, 0, 0, 0, 0, 0, 0), theirs: Int8Array.of(0, 1, 0, 0, 0, -1, 0, 0) },
      [0, 1, 0, 0, 0, 1, 0, 0],
      8,
    );
    expect([grid!.width, grid!.height, positions]).toEqual([4, 2, undefined]);
    expect(pixels(grid!)).toEqual([EQUAL, HIGHER[0], EQUAL, EQUAL, EQUAL, LOWER[0], EQUAL, EQUAL].map(rgb));
  });

  it('scale float32 differences to the largest', () => {
    const float: TensorInfo = { name: 'y', type: 'float32', shape: [1, 4] };
    const { grid, legend } = differenceMaps(
      { info: float, reference: Float32Array.of(0, 0, 0, 0), theirs: Float32Array.of(8, -1, 0, -0) },
      [1, 1, 0, 1],
      8,
    );
    expect(pixels(grid!).slice(0, 3)).toEqual([HIGHER[3], LOWER[0], EQUAL].map(rgb));
    // 0 and -0 differ in their bits
    expect(pixels(grid!)[3]).not.toEqual(rgb(EQUAL));
    expect(legend.higher.at(-1)).toBe('up to 8.00');
  });
});

describe('the histogram', () => {
  it('has a bar a difference, and none over zero', () => {
    expect(
      bars([
        { difference: -1, elements: 3 },
        { difference: 2, elements: 1 },
      ]),
    ).toEqual([
      { from: -1, to: -1, elements: 3 },
      { from: 0, to: 0, elements: 0 },
      { from: 1, to: 1, elements: 0 },
      { from: 2, to: 2, elements: 1 },
    ]);
  });

  it('puts wide ranges into equal steps', () => {
    const differences = [-200, -1, 1, 150].map((difference) => ({ difference, elements: 1 }));
    const found = bars(differences);
    expect(found.length).toBeLessThanOrEqual(67);
    expect(found.reduce((sum, { elements }) => sum + elements, 0)).toBe(4);
    expect(found.every(({ from, to }) => from * to > 0 || (from === 0 && to === 0))).toBe(true);
    expect([found[0]!.from, found.at(-1)!.to]).toEqual([-200, 150]);
  });
});

/** A convolution in which they left the bias out, and a layer that only inherits. */
function planted(): ExplanationReport {
  const engine = findEngine('onnxruntime');
  const { graph, feeds } = smallLayer({ channels: [4, 6], stride: 1 }, 1);
  const bound = bindEngine(graph, engine, {});
  const biases = graph.nodes[0]!.inputs[2]!;
  const without = new Map(graph.constants);
  const bias = without.get(biases)!;
  without.set(biases, { ...bias, data: new Int32Array(bias.data.length) });
  const theirs = referenceTrace({ graph: { ...bound.graph, constants: without }, engine }, feeds).tensors.at(-1)!;
  const explanation = explain({
    graph,
    shapes: {},
    reference: new Map<string, ElementData>([['x', feeds.x.data]]),
    engines: [engine],
    theirs: new Map([[theirs.name, theirs.data]]),
  });
  const layers = [...explanation.layers].map((layer) => reportLayer(layer, bound));
  return {
    model: { name: 'a model', hash: 'ab12' },
    theirs: 'theirs.npz',
    against: 'trace.npz',
    engine: { name: 'onnxruntime', description: 'what it is' },
    engines: ['onnxruntime'],
    compared: [
      { name: theirs.name, op: 'Conv', shape: theirs.shape },
      { name: 'later', op: 'Conv', shape: [1, 2] },
    ],
    classes: new Map([
      [theirs.name, 'convolution'],
      ['later', 'convolution'],
    ]),
    layers,
    stopped: false,
  };
}

const inherited = ({ explanation, maps }: ReportLayer): ReportLayer => ({
  maps,
  explanation: { ...explanation, name: 'later', origin: 'inherited', causes: [], alternatives: [] },
});

const changed = (report: ExplanationReport, change: Partial<LayerExplanation>): ExplanationReport => ({
  ...report,
  layers: report.layers.map((layer) => ({ ...layer, explanation: { ...layer.explanation, ...change } })),
});

describe('the report of an explanation', () => {
  const report = planted();
  const text = renderExplanation(report);
  const { explanation, element } = report.layers[0]!;

  it('names the cause, its side, its share, and how sure it is', () => {
    expect(explanation.causes).toMatchObject([{ kind: 'bias', side: 'theirs' }]);
    expect(text).toContain(
      `<h1 class="verdict" data-equal="no">${explanation.name} differs by itself: bias (theirs)</h1>`,
    );
    expect(text).toMatch(/data-side="theirs">theirs<\/span>\s*<strong>bias<\/strong>/);
    expect(text).toContain(`accounts for ${explanation.causes[0]!.elements} of`);
    expect(text).toMatch(/<div class="found" data-state="certain">\s*<p>Reproduced: 720 of 720 values/);
  });

  it('lists every layer as own, inherited or equal, and links those that differ', () => {
    const rows = (of: ExplanationReport): string[] =>
      [
        ...renderExplanation(of).matchAll(
          /<tr data-state="(\w+)">\s*<th scope="row" class="text">\s*(<a href="#layer-\d">)?/g,
        ),
      ].map(([, state, link]) => `${state} ${link ?? 'no link'}`);
    expect(rows(report)).toEqual(['own <a href="#layer-0">', 'equal no link']);
    const both = { ...report, layers: [...report.layers, inherited(report.layers[0]!)] };
    expect(rows(both)).toEqual(['own <a href="#layer-0">', 'inherited <a href="#layer-1">']);
    expect(text).not.toContain('By kind of layer');
    expect(renderExplanation(both)).toMatch(
      /By kind of layer[^]*?convolution[^]*?2[^]*?2[^]*?1[^]*?1[^]*?1[^]*?Every layer/,
    );
    const twice = { ...report, layers: [report.layers[0]!, changed(report, { name: 'later' }).layers[0]!] };
    expect(renderExplanation(twice)).toContain('2 of 2 convolution layers: bias: the bias is left out');
    expect(renderExplanation({ ...report, note: 'who knows' })).toMatch(/Who knows\.<\/p>\s*<h1/);
    const ids = [...renderExplanation(both).matchAll(/ id="(layer-\d)"/g)].map(([, id]) => id);
    expect(ids).toEqual(['layer-0', 'layer-1']);
    expect(renderExplanation({ ...both, layers: both.layers.slice(1) })).toContain(
      '1 of 2 tensors differ, none by itself',
    );
    expect(renderExplanation({ ...report, layers: [] })).toContain('2 tensors compared: every value is equal');
  });

  it('never sounds surer than the explanation is', () => {
    const other = [{ ...explanation.causes[0]!, kind: 'scale' as const, detail: 'another scale' }];
    const uncertain = renderExplanation(changed(report, { certain: false, alternatives: [other] }));
    expect(uncertain).toMatch(/data-state="uncertain">[^]*?NOT CERTAIN[^]*?Scale: another scale/);
    expect(uncertain).toContain('differs by itself: perhaps bias (theirs), or what gives the same values</h1>');
    const unexplained = renderExplanation(changed(report, { exact: false, certain: false, unexplained: 7 }));
    expect(unexplained).toContain('differs by itself: not explained</h1>');
    expect(unexplained).toMatch(/data-state="unexplained">[^]*?NOT EXPLAINED: 7 values/);
    expect(renderExplanation({ ...report, stopped: true })).toContain('It was stopped before all 2 tensors were done');
  });

  it('draws where, and takes the worst element apart', () => {
    const pictures = [...text.matchAll(/<img\s+class="map"\s+src="data:image\/png;base64,([^"]+)"\s+alt="([^"]+)"/g)];
    expect(pictures).toHaveLength(1 + report.layers[0]!.maps.channels.length);
    const png = Buffer.from(pictures[0]![1]!, 'base64');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([10, 12]);
    const data = png.indexOf('IDAT');
    expect(inflateSync(png.subarray(data + 4))).toHaveLength(12 * (1 + 30));
    expect(text).toMatch(/<svg[^>]*role="img"[^>]*aria-label="Differences from/);
    expect(Math.abs(element!.theirs! - element!.reference!)).toBe(explanation.maxAbsDiff);
    expect(element!.explained).toBe(element!.theirs);
    expect(text).toContain('The element that differs most, in full');
  });

  it('needs nothing but itself, and no script', () => {
    const addresses = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!);
    expect(addresses.filter((address) => !/^(data:|#layer-)/.test(address))).toEqual([]);
    expect(text).not.toMatch(/https?:|@import|url\(|<script/);
  });

  it('escapes every name that a model or a file brings', () => {
    const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;
    const layer = report.layers[0]!;
    const bad = renderExplanation({
      ...changed(report, { name: hostile, op: hostile, notes: [hostile] }),
      model: { name: hostile, hash: hostile },
      theirs: hostile,
      against: hostile,
      engine: { name: hostile, description: hostile },
      engines: [hostile, `${hostile}2`],
      note: hostile,
      compared: [{ name: hostile, op: hostile, shape: [1] }],
      layers: [
        {
          ...layer,
          element: { ...element!, tensor: hostile, engine: hostile },
          explanation: {
            ...layer.explanation,
            ...{ name: hostile, op: hostile, notes: [hostile] },
            causes: [{ ...layer.explanation.causes[0]!, detail: hostile }],
          },
        },
      ],
    });
    expect(bad).not.toMatch(/<script|<img src=x|"'>/);
    expect(bad.split('&lt;script&gt;').length).toBeGreaterThan(15);
  });
});
