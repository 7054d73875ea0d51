import { describe, expect, it } from 'vitest';
import { OnnxNetwork } from '../../tests/helpers/onnx_network.ts';
import type { Engine } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { readModel } from '../formats/index.ts';
import type { Graph } from '../graph/graph.ts';
import { Tensor } from '../tensor.ts';
import { rewrite } from './index.ts';

/** Inputs are [1, 2, 4, 4]: float32, or of bytes behind a DequantizeLinear. */
class Network extends OnnxNetwork {
  constructor() {
    super(14);
  }
  float32(): string {
    return this.input(new Tensor('float32', new Float32Array(32), [1, 2, 4, 4]));
  }
  q(scale = 0.5, zeroPoint = 3, type: 'uint8' | 'int8' = 'uint8'): string {
    const data = type === 'uint8' ? new Uint8Array(32) : new Int8Array(32);
    return this.dequantize(this.input(new Tensor(type, data, [1, 2, 4, 4])), scale, zeroPoint, type);
  }
}

function graphOf(build: (network: Network) => string, type: 'uint8' | 'int8' | 'float32' = 'uint8'): Graph {
  const network = new Network();
  network.output(build(network), type);
  return readModel(network.bytes());
}

const rewritten = (...given: Parameters<typeof graphOf>): Graph =>
  rewrite(graphOf(...given), findEngine('onnxruntime'));

/** The operators that are left, in order. */
const operators = (...given: Parameters<typeof graphOf>): string =>
  rewritten(...given)
    .nodes.map(({ op }) => op)
    .join(' ');

const weights = (n: Network): string => n.dequantizedConstant(Int8Array.of(1, 2), [1, 2, 1, 1], 0.25);

describe("rewrite: onnxruntime's operator fusion", () => {
  it('a Conv between DequantizeLinear and QuantizeLinear is one of bytes', () => {
    expect(operators((n) => n.quantize(n.op('Conv', [n.q(), weights(n)]), 0.5, 0))).toBe('Conv');
  });

  it('its float bias becomes integers in units of the products, by a division', () => {
    const { constants, nodes } = rewritten((n) =>
      n.quantize(n.op('Conv', [n.q(), weights(n), n.constant(Float32Array.of(1.2), [1])]), 0.5, 0),
    );
    // 1.2 / (0.5 * 0.25) = 9.6
    expect([...constants.get(nodes[0]!.inputs[2]!)!.data]).toEqual([10]);
  });

  it('a bias of another scale keeps it in float', () => {
    expect(
      operators((n) =>
        n.quantize(n.op('Conv', [n.q(), weights(n), n.dequantizedConstant(Int32Array.of(5), [1], 0.13)]), 0.5, 0),
      ),
    ).toMatch(/DequantizeLinear .*Conv QuantizeLinear/);
  });

  it('a Relu goes where the QuantizeLinear behind it cannot say less than 0, and only there', () => {
    const of = (zeroPoint: number): string =>
      operators((n) => n.quantize(n.op('Relu', [n.op('Conv', [n.q(), weights(n)])]), 0.5, zeroPoint));
    expect(of(0)).toBe('Conv');
    expect(of(7)).not.toBe('Conv');
  });

  it('MatMul and Add of a constant are a Gemm', () => {
    expect(
      operators((n) => {
        const x = n.dequantize(n.input(new Tensor('uint8', new Uint8Array(2), [1, 2])), 0.5, 3);
        const product = n.op('MatMul', [x, n.dequantizedConstant(Int8Array.of(1, 2), [2, 1], 0.25)]);
        return n.quantize(n.op('Add', [product, n.constant(Float32Array.of(1.2), [1])]), 0.5, 0);
      }),
    ).toBe('Gemm');
  });

  it('moves go through: a MaxPool of floats before a Conv is one of bytes', () => {
    expect(
      operators((n) => {
        const pooled = n.op('MaxPool', [n.q()], { kernel_shape: [2, 2] });
        return n.quantize(n.op('Conv', [pooled, weights(n)]), 0.5, 0);
      }),
    ).toBe('MaxPool Conv');
  });

  it('int8 between one QuantizeLinear and one DequantizeLinear becomes uint8', () => {
    const { tensors, nodes } = rewritten((n) => {
      const bytes = n.quantize(n.float32(), 0.5, -3, 'int8');
      return n.quantize(n.op('Conv', [n.dequantize(bytes, 0.5, -3, 'int8'), weights(n)]), 0.5, 0);
    });
    expect(nodes.map(({ op }) => op)).toEqual(['QuantizeLinear', 'Conv']);
    const between = tensors.get(nodes[1]!.inputs[0]!)!;
    expect([between.type, ...between.quantization!.zeroPoint]).toEqual(['uint8', 125]);
  });

  it('where int8 has kernels of its own, it stays, and fuses whoever else uses it', () => {
    const graph = graphOf((n) => {
      const bytes = n.quantize(n.float32(), 0.5, -3, 'int8');
      const [x, shortcut] = [n.dequantize(bytes, 0.5, -3, 'int8'), n.dequantize(bytes, 0.5, -3, 'int8')];
      const w = n.dequantizedConstant(Int8Array.of(1, 2, 3, 4), [2, 2, 1, 1], 0.25);
      const y = n.dequantize(n.quantize(n.op('Conv', [x, w]), 0.5, 0, 'int8'), 0.5, 0, 'int8');
      return n.quantize(n.op('Add', [y, shortcut]), 0.5, 7, 'int8');
    }, 'int8');
    const { nodes, tensors } = rewrite(graph, findEngine('onnxruntime-arm64'));
    expect(nodes.map(({ op }) => op)).toEqual(['QuantizeLinear', 'Conv', 'Add']);
    expect(tensors.get(nodes[0]!.outputs[0]!)!.type).toBe('int8');
    const elsewhere = rewrite(graph, findEngine('onnxruntime')).nodes.map(({ op }) => op);
    expect(elsewhere.filter((op) => op === 'DequantizeLinear').length).toBeGreaterThan(0);
  });

  it('int8 activations with uint8 weights stay float there', () => {
    const graph = graphOf((n) => {
      const w = n.dequantizedConstant(Uint8Array.of(1, 2), [1, 2, 1, 1], 0.25);
      return n.quantize(n.op('Conv', [n.q(0.5, -3, 'int8'), w]), 0.5, 0, 'int8');
    }, 'int8');
    const { nodes } = rewrite(graph, findEngine('onnxruntime-arm64'));
    expect(nodes.map(({ op }) => op)).toEqual(['DequantizeLinear', 'DequantizeLinear', 'Conv', 'QuantizeLinear']);
  });

  it('int8 activations with uint8 weights are refused', () => {
    expect(() =>
      operators((n) => {
        const x = n.input(new Tensor('int8', new Int8Array(2), [1, 2]));
        const y = n.parameters(0.5, 0, 'int8');
        const w = n.constant(Uint8Array.of(1, 2), [2, 1]);
        const [a, b] = [n.parameters(0.5, 3, 'int8'), n.parameters(0.25, 0, 'uint8')];
        return n.op('QLinearMatMul', [x, ...a, w, ...b, ...y]);
      }, 'int8'),
    ).toThrow(/int8 activations with uint8 weights/);
  });
});

describe("rewrite: onnxruntime's pairs", () => {
  it('two in a row are one, of the range that both can say', () => {
    const { tensors, nodes } = rewritten((n) => {
      const first = n.dequantize(n.quantize(n.float32(), 0.5, 0), 0.5, 0);
      const second = n.dequantize(n.quantize(first, 0.25, 0), 0.25, 0);
      return n.quantize(n.op('Conv', [second, weights(n)]), 0.5, 0);
    });
    expect(nodes.map(({ op }) => op)).toEqual(['QuantizeLinear', 'Conv']);
    // from 0 to 255 * 0.25
    expect([...tensors.get(nodes[0]!.outputs[0]!)!.quantization!.scale]).toEqual([0.25]);
  });

  it('Transposes that undo each other go, with the pair between them', () => {
    expect(
      operators((n) => {
        const there = n.op('Transpose', [n.q()], { perm: [0, 2, 3, 1] });
        const between = n.dequantize(n.quantize(there, 0.5, 3), 0.5, 3);
        const back = n.quantize(n.op('Transpose', [between], { perm: [0, 3, 1, 2] }), 0.5, 3);
        return n.quantize(n.op('Conv', [n.dequantize(back, 0.5, 3), weights(n)]), 0.5, 0);
      }),
    ).toBe('Conv');
  });

  it('Transposes in a row are one; an Identity is none', () => {
    const { nodes } = rewritten((n) => {
      const first = n.op('Transpose', [n.q()], { perm: [0, 2, 3, 1] });
      const second = n.op('Transpose', [n.op('Identity', [first])], { perm: [0, 2, 1, 3] });
      return n.quantize(second, 0.5, 3);
    });
    expect(nodes.map(({ op, attributes }) => [op, attributes['perm']])).toEqual([['Transpose', [0, 3, 2, 1]]]);
  });

  it('nodes that compute the same from the same are one', () => {
    const { nodes } = rewritten((n) => {
      const x = n.float32();
      return n.quantize(n.op('Concat', [n.op('Relu', [x]), n.op('Relu', [x])], { axis: 1 }), 0.5, 3);
    });
    expect(nodes.filter(({ op }) => op === 'Relu')).toHaveLength(1);
  });
});

describe('rewrite: what onnxruntime leaves in float, on bytes', () => {
  /** The table that is all that is left. */
  function table(engine: string, build: (n: Network) => string): number[] {
    const { nodes, constants } = rewrite(graphOf(build), findEngine(engine));
    expect(nodes.map(({ op }) => op)).toEqual(['Table']);
    return [...constants.get(nodes[0]!.inputs[1]!)!.data].map(Number);
  }
  const hardSwish = (n: Network): string => n.quantize(n.op('HardSwish', [n.q(0.041, 131)]), 0.023, 17);

  it('a function of one tensor is a table of it', () => {
    // 0.5 * (q - 3) + 1, in steps of 0.25
    const sums = table('onnxruntime', (n) => n.quantize(n.op('Add', [n.q(), n.float(1)]), 0.25, 0));
    expect(sums.slice(0, 5)).toEqual([0, 0, 2, 4, 6]);
    expect(sums.at(-1)).toBe(255);
  });

  it('as is a chain of them', () => {
    const values = table('onnxruntime', hardSwish);
    for (const [q, value] of values.entries()) {
      const x = 0.041 * (q - 131);
      const exact = (x * Math.min(Math.max(x / 6 + 0.5, 0), 1)) / 0.023 + 17;
      expect(Math.abs(Math.min(Math.max(exact, 0), 255) - value), `q = ${q}`).toBeLessThan(0.501);
    }
  });

  it('an engine whose kernels fuse multiply-adds rounds its logistic function otherwise', () => {
    const bits = (engine: string): number[] => {
      const { nodes, constants } = rewrite(
        graphOf((n) => n.op('Sigmoid', [n.q(0.041, 131)]), 'float32'),
        findEngine(engine),
      );
      return [...(constants.get(nodes[0]!.inputs[1]!)!.data as Float32Array)];
    };
    const [twice, once] = [bits('onnxruntime'), bits('onnxruntime-x64')];
    expect(twice).not.toEqual(once);
    for (const [q, y] of twice.entries()) expect(Math.abs(y - once[q]!)).toBeLessThan(1e-6);
  });

  it('a product of two tensors, by an operator that is not fused, is a table of pairs', () => {
    expect(operators((n) => n.quantize(n.op('Sub', [n.q(), n.q(0.25, 9)]), 0.5, 100))).toBe('PairTable');
  });

  it('a mean is one operator; a Concat of other quantizations requantizes before it', () => {
    expect(operators((n) => n.quantize(n.op('ReduceMean', [n.q()], { axes: [2, 3] }), 0.5, 3))).toBe('ReduceMean');
    expect(
      operators((n) => n.quantize(n.op('Concat', [n.q(), n.op('Relu', [n.q(0.25, 9)])], { axis: 1 }), 0.5, 3)),
    ).toBe('Table Concat');
  });
});

describe('rewrite: engines', () => {
  const graph = graphOf((n) => n.quantize(n.op('Conv', [n.q(), weights(n)]), 0.5, 0));

  it('one that says nothing leaves the graph as it is', () => {
    expect(rewrite(graph, findEngine('qnnpack'))).toBe(graph);
  });

  it("a caller's own may bring a rewrite of its own", () => {
    const other: Graph = { ...graph, name: 'other' };
    const own: Engine = { ...findEngine('onnxruntime'), name: 'own', fuse: () => other };
    expect(rewrite(graph, own)).toBe(other);
  });
});
