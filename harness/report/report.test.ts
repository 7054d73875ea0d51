import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { TensorComparison } from '../compare/compare.ts';
import type { ReportData } from './data.ts';
import { featureMaps, tensorPicture } from './feature_maps.ts';
import { html } from './html.ts';
import { encodePng } from './png.ts';
import { renderReport } from './report.ts';

const row = (change: Partial<TensorComparison> = {}): TensorComparison => ({
  name: 'conv1',
  op: 'Conv',
  shape: [1, 2, 3, 4],
  elements: 24,
  mismatches: 0,
  maxAbsDiff: 0,
  ...change,
});

function data(tensors: readonly TensorComparison[], change: Partial<ReportData> = {}): ReportData {
  const sum = (key: 'elements' | 'mismatches'): number => tensors.reduce((total, tensor) => total + tensor[key], 0);
  return {
    model: { name: 'a model', description: 'what it does', hash: 'ab12' },
    engine: 'onnxruntime',
    against: 'onnxruntime',
    adapter: 'an adapter',
    runs: 2,
    pictures: [],
    comparison: { tensors, elements: sum('elements'), mismatches: sum('mismatches') },
    ...change,
  };
}

const picture = (name: string): ReportData['pictures'][number] => ({
  name,
  mediaType: 'image/jpeg',
  bytes: Uint8Array.of(1, 2, 3),
  seen: { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) },
  classes: [{ label: 'cat', probability: 0.75 }],
  features: [
    { name: 'conv1', op: 'Conv', shape: [1, 1, 1, 2], maps: [{ width: 2, height: 1, data: Uint8Array.of(0, 255) }] },
  ],
});

describe('renderReport', () => {
  it('says that all is equal, and to what', () => {
    const report = renderReport(data([row(), row({ name: 'conv2', elements: 5000 })]));
    expect(report).toContain('5,024 of 5,024 elements equal, bit for bit, to onnxruntime-web');
    expect(report).not.toContain('data-equal="no"');
  });

  it('says how much differs, in which tensor, and where first', () => {
    const first = { index: [0, 1, 2, 3], expected: 7, actual: 9 };
    const report = renderReport(data([row(), row({ name: 'conv2', mismatches: 3, maxAbsDiff: 2, first })]));
    expect(report).toContain('3 of 48 elements differ from onnxruntime-web');
    expect(report).toMatch(/<tr data-equal="no">\s*<th scope="row" class="text"><code>conv2<\/code>/);
    expect(report).toMatch(/first at \[0, 1, 2, 3\]: 7 expected, 9 computed/);
  });

  it('has what a person asks for: adapter, model, classes, proved forms', () => {
    const report = renderReport(data([row()], { pictures: [picture('a cat')], forms: { conv1: 'two_limbs' } }));
    for (const text of ['an adapter', 'a model', 'what it does', 'ab12', 'cat', '75.00 %', 'two_limbs', 'a cat'])
      expect(report).toContain(text);
  });

  it('needs nothing but itself', () => {
    const report = renderReport(data([row()], { pictures: [picture('a cat')] }));
    const addresses = [...report.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!);
    expect(addresses).toHaveLength(4);
    expect(addresses.filter((address) => !address.startsWith('data:'))).toEqual([]);
    expect(report).not.toMatch(/https?:|@import|url\(|<script/);
  });

  it('escapes every name that a model or a file brings', () => {
    const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;
    const tensor = row({ name: hostile, op: hostile });
    const shown = picture(hostile);
    const report = renderReport(
      data([tensor], {
        model: { name: hostile, description: hostile, hash: hostile },
        engine: hostile,
        against: hostile,
        adapter: hostile,
        forms: { [hostile]: hostile },
        pictures: [
          {
            ...shown,
            mediaType: hostile,
            classes: [{ label: hostile, probability: 1 }],
            features: shown.features!.map((maps) => ({ ...maps, name: hostile, op: hostile })),
          },
        ],
      }),
    );
    expect(report).not.toMatch(/<script|<img src=x|"'>/);
    expect(report.split('&lt;script&gt;').length).toBeGreaterThan(15);
  });
});

describe('html', () => {
  it('escapes text, and leaves markup as it is', () => {
    expect(
      html`<p title="${'"&\''}">${'<b>'}${html`<i>${1}</i>`}${[html`<u></u>`, html`<s></s>`]}${undefined}</p>`.text,
    ).toBe('<p title="&quot;&amp;&#39;">&lt;b&gt;<i>1</i><u></u><s></s></p>');
  });
});

describe('encodePng', () => {
  it('writes chunks that a decoder of another make accepts', () => {
    const data = Uint8Array.from({ length: 18 }, (_, i) => 14 * i);
    const png = Buffer.from(encodePng({ width: 2, height: 3, data }, 3));
    expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    const chunks = new Map<string, Buffer>();
    for (let at = 8; at < png.length;) {
      const length = png.readUInt32BE(at);
      expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
      chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
      at += 12 + length;
    }
    expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
    expect([...chunks.get('IHDR')!]).toEqual([0, 0, 0, 2, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
    const rows = [0, 1, 2].flatMap((y) => [0, ...data.subarray(6 * y, 6 * y + 6)]);
    expect([...inflateSync(chunks.get('IDAT')!)]).toEqual(rows);
  });
});

describe('feature maps', () => {
  const tensor = (shape: readonly number[], data: Uint8Array | Int8Array | Float32Array) =>
    featureMaps({ name: 'x', op: 'Conv', shape, data }, 2);

  it('stretches each channel from its lowest to its highest value', () => {
    const maps = tensor([1, 3, 1, 3], Int8Array.of(-128, 0, 127, 5, 5, 5, 1, 2, 3))!.maps;
    expect(maps.map(({ data }) => [...data])).toEqual([
      [0, 128, 255],
      [0, 0, 0],
    ]);
    expect(maps[0]).toMatchObject({ width: 3, height: 1 });
  });

  it('takes the first image of a batch, and no tensors without pictures', () => {
    expect(tensor([2, 1, 1, 2], Float32Array.of(-1, 1, 7, 7))!.maps).toHaveLength(1);
    expect(tensor([1, 4], new Uint8Array(4))).toBeUndefined();
    expect(tensor([1, 4, 1, 1], new Uint8Array(4))).toBeUndefined();
  });
});

describe('tensorPicture', () => {
  it('turns planes into pixels', () => {
    const data = Float32Array.of(0, 1, 0.5, 0, 1, 0.25);
    expect([...tensorPicture({ shape: [1, 3, 1, 2], data })!.data]).toEqual([0, 128, 255, 255, 0, 64]);
  });
  it('draws nothing but one RGB picture', () => {
    expect(tensorPicture({ shape: [1, 1, 1, 2], data: new Uint8Array(2) })).toBeUndefined();
    expect(tensorPicture({ shape: [2, 3, 1, 1], data: new Uint8Array(6) })).toBeUndefined();
  });
});
