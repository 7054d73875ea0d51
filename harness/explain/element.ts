import { InvalidInputError } from '../../src/errors.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import type { ForDefinitions } from '../../src/layers/definition.ts';
import { contextOf, forDefinition } from '../../src/layers/infer.ts';
import { extent } from '../../src/layers/layout.ts';
import { label, refuse, type TypedGraph } from '../../src/layers/operator.ts';
import { ENGINES } from '../../src/engines/index.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { ElementAnalysis, Side } from './element/analysis.ts';
import { addElement, addFloatElement, dequantizeElement, quantizeElement } from './element/elementwise.ts';
import { linearElement } from './element/linear.ts';
import { poolElement } from './element/pool.ts';
import type { Details, Question } from './element/question.ts';

export type { ElementAnalysis } from './element/analysis.ts';

const ELEMENTS: ForDefinitions<[Question], Details> = {
  linear: linearElement,
  global_average_pool: poolElement,
  add: addElement,
  add_float32: addFloatElement,
  quantize: quantizeElement,
  dequantize: dequantizeElement,
};

/** An element, and the values around it. */
export interface ElementQuestion {
  readonly graph: TypedGraph;
  /** The engine that stands for the reference. */
  readonly engine: Engine;
  /** The tensor, and as many numbers as it has dimensions (NCHW). */
  readonly tensor: string;
  readonly index: readonly number[];
  /** The layer's operands by tensor name, NCHW: those that are analysed. Constants are the graph's. */
  readonly operands: ReadonlyMap<string, ElementData>;
  /** The reference's own, where they may be others. */
  readonly referenceOperands?: ReadonlyMap<string, ElementData>;
  readonly theirs?: number;
  readonly reference?: number;
  /** What the causes that were found for the layer give here. */
  readonly explained?: number;
  /** All that the element is computed under; every engine of exact8 where they are left out. */
  readonly engines?: readonly Engine[];
}

/**
 * Everything there is to say of one element: how it is summed, what its exact value is, and what every engine and every
 * rounding makes of it.
 *
 * @throws InvalidInputError where there is no such element, or an operand is missing; UnsupportedModelError for
 *   operators that only move values
 */
export function analyzeElement(question: ElementQuestion): ElementAnalysis {
  const { graph, engine, tensor, index, theirs, reference } = question;
  const node = graph.nodes.find(({ outputs }) => outputs[0] === tensor);
  const info = graph.tensors.get(tensor);
  if (!node || !info) throw new InvalidInputError(`no layer computes '${tensor}'`);
  const { shape } = info;
  if (index.length !== shape.length || !index.every((i, d) => Number.isInteger(i) && i >= 0 && i < shape[d]!))
    throw new InvalidInputError(
      `'${tensor}' is [${shape.join(', ')}] and has no element [${index.join(', ')}]; counted from 0, NCHW`,
    );
  const context = contextOf(graph, graph.tensors, engine);
  const analyze = forDefinition(ELEMENTS, node, context);
  if (!analyze)
    return refuse(node, 'the elements of this operator are not taken apart', Object.keys(ELEMENTS).join(', '));
  const sides: [Side, number][] = [];
  if (theirs !== undefined) sides.push(['theirs', theirs]);
  if (reference !== undefined) sides.push(['reference', reference]);
  const [n = 0, c = 0, y = 0, x = 0] = shape.length === 1 ? [0, ...index] : index;
  const details = analyze({
    node,
    context,
    info,
    extent: extent(info),
    at: { n, c, y, x },
    engines: [engine, ...(question.engines ?? ENGINES).filter(({ name }) => name !== engine.name)],
    sides,
    gives: (value) => sides.filter(([, of]) => Object.is(of, value)).map(([side]) => side),
    operand(i) {
      const name = node.inputs[i]!;
      const values = context.constant(name)?.data ?? question.operands.get(name);
      if (!values) throw new InvalidInputError(`${label(node)}: the values of '${name}' are not known`);
      return { values, reference: question.referenceOperands?.get(name) };
    },
  });
  return {
    tensor,
    node: node.name,
    op: node.op,
    index,
    engine: engine.name,
    ...(theirs === undefined ? {} : { theirs }),
    ...(reference === undefined ? {} : { reference }),
    ...(question.explained === undefined ? {} : { explained: question.explained }),
    ...details,
  };
}
