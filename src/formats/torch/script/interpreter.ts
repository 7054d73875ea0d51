import { InvalidModelError, UnsupportedModelError } from '../../../errors.ts';
import { describe, type PickleValue } from '../pickle.ts';
import type { TensorReader } from '../tensor_reader.ts';
import type { Draft } from './draft.ts';
import { OPERATORS } from './operators.ts';
import { Call } from './call.ts';
import type { Block, Definition, Expression, SourceFile } from './syntax.ts';
import { Activation, Bound, GlobalName, PackedParameters, ScriptObject } from './values.ts';

/** Expressions that are evaluated, all together: the largest networks take some 10,000. */
const MAX_STEPS = 1 << 20;
const MAX_DEPTH = 64;
const MAX_NAME = 512;

interface Frame {
  readonly variables: Map<string, PickleValue>;
  /** The innermost module, for names. */
  readonly scope: string;
}

/**
 * Goes through the code once, as PyTorch would, with tensors that only have a name: what is left is the graph. Conditions
 * are constants, and nothing repeats; everything else is refused by file, line and name.
 */
export class Interpreter {
  readonly #source: (file: string) => SourceFile | undefined;
  readonly #constants: readonly PickleValue[];
  readonly #draft: Draft;
  readonly #tensors: TensorReader;
  #steps = 0;
  #depth = 0;
  #at = '';

  constructor(
    source: (file: string) => SourceFile | undefined,
    constants: readonly PickleValue[],
    draft: Draft,
    tensors: TensorReader,
  ) {
    this.#source = source;
    this.#constants = constants;
    this.#draft = draft;
    this.#tensors = tensors;
  }

  /** Calls a method, and names the tensor that it returns. */
  method(self: ScriptObject, name: string, args: readonly PickleValue[]): PickleValue {
    const found = this.#definition(self.type, name);
    if (!found) return this.#refuse(`${describe(self)} has no method '${name.slice(0, 80)}'`, 'methods in the file');
    const path = self.path ?? '';
    const result = this.#call(found, [self, ...args], new Map(), path);
    // QFunctional's observers stand for the module that they are in
    const suffix = '.activation_post_process';
    const module = path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
    // a trace leaves nothing of the observer but its call, behind the operator's
    const tensor = result === null && module !== path && args.length === 0 ? this.#draft.last : result;
    if (tensor instanceof Activation && tensor.quantization && module !== '') this.#draft.name(tensor, module);
    return result;
  }

  /** `__torch__.a.b.Type` and its method, or `__torch__.a.b` and a function. */
  #definition(type: string, name: string): Definition | undefined {
    const [file, own] = fileOf(type);
    return this.#source(file)?.classes.get(own)?.methods.get(name);
  }

  #call(
    { file, name, parameters, body }: Definition,
    args: readonly PickleValue[],
    named: ReadonlyMap<string, PickleValue>,
    scope: string,
  ): PickleValue {
    const variables = new Map<string, PickleValue>();
    if (args.length > parameters.length)
      return this.#refuse(`${args.length} arguments of ${name}`, `${parameters.length}`);
    const outer = this.#at;
    const frame = { variables, scope };
    for (const [i, { name: parameter, fallback }] of parameters.entries()) {
      const given = args[i] ?? named.get(parameter);
      if (given === undefined && !fallback) this.#refuse(`no argument '${parameter}' of ${name}`, 'one each');
      variables.set(parameter, given === undefined ? this.#evaluate(fallback!, frame) : given);
    }
    if (++this.#depth > MAX_DEPTH) this.#refuse(`calls within calls, ${MAX_DEPTH} of them`, 'fewer');
    const result = this.#run(file, body, frame);
    this.#depth--;
    this.#at = outer;
    return result === undefined ? null : result;
  }

  /** What is returned; undefined where the block ends without. */
  #run(file: string, block: Block, frame: Frame): PickleValue | undefined {
    for (const statement of block) {
      this.#at = `${file}, line ${statement.line}`;
      if (statement.kind === 'return') return this.#evaluate(statement.value, frame);
      else if (statement.kind === 'other') this.#refuse(`'${statement.word}'`, 'code without loops or contexts');
      else if (statement.kind === 'if') {
        const branch = this.#condition(statement.condition, frame) ? statement.yes : statement.no;
        const result = this.#run(file, branch, frame);
        if (result !== undefined) return result;
      } else {
        const value = this.#evaluate(statement.value, frame);
        if (statement.kind === 'assign') this.#assign(statement.target, value, frame);
      }
    }
    return undefined;
  }

  #assign(target: Expression, value: PickleValue, frame: Frame): void {
    if (target.kind === 'name') frame.variables.set(target.name, value);
    else if (target.kind === 'attribute') {
      const object = this.#evaluate(target.of, frame);
      if (!(object instanceof ScriptObject)) this.#refuse(`an attribute of ${describe(object)}`, "a module's");
      else object.attributes.set(target.name, value);
    } else if (target.kind === 'sequence') {
      if (!Array.isArray(value) || value.length !== target.items.length)
        return this.#refuse(`${describe(value)} for ${target.items.length} variables`, 'as many values');
      for (const [i, item] of target.items.entries()) this.#assign(item, value[i]!, frame);
    } else this.#refuse('such an assignment', 'to variables and attributes');
  }

  #condition(expression: Expression, frame: Frame): boolean {
    const value = this.#evaluate(expression, frame);
    return typeof value === 'boolean'
      ? value
      : this.#refuse(`a condition that is ${describe(value)}`, 'constant conditions');
  }

  #evaluate(expression: Expression, frame: Frame): PickleValue {
    if (++this.#steps > MAX_STEPS) this.#refuse(`more than ${MAX_STEPS} steps`, 'fewer');
    switch (expression.kind) {
      case 'constant':
        return expression.value;
      case 'name':
        return frame.variables.get(expression.name) ?? this.#named(expression.name, frame);
      case 'sequence':
        return expression.items.map((item) => this.#evaluate(item, frame));
      case 'attribute':
        return this.#attribute(this.#evaluate(expression.of, frame), expression.name);
      case 'index':
        return this.#index(this.#evaluate(expression.of, frame), this.#evaluate(expression.index, frame));
      case 'operation':
        return this.#operation(expression.operator, expression.operands, frame);
      case 'call':
        return this.#invoke(expression, frame);
    }
  }

  /** A variable that holds None, or what no variable is. */
  #named(name: string, frame: Frame): PickleValue {
    return frame.variables.has(name) ? null : new GlobalName(name);
  }

  #attribute(of: PickleValue, name: string): PickleValue {
    if (of instanceof GlobalName) {
      if (of.name === 'CONSTANTS') return this.#constant(name);
      if (of.name.length + name.length > MAX_NAME) return this.#refuse(`a name of ${MAX_NAME} letters`, 'shorter ones');
      return new GlobalName(`${of.name}.${name}`);
    }
    if (of instanceof PackedParameters && name === 'unpack') return new Bound(of, name);
    if (!(of instanceof ScriptObject)) return this.#refuse(`'${name.slice(0, 80)}' of ${describe(of)}`, "a module's");
    this.#restore(of);
    const value = of.attributes.get(name);
    if (value === undefined) return new Bound(of, name);
    return value instanceof ScriptObject ? this.#unpacked(value, of, name) : value;
  }

  #constant(name: string): PickleValue {
    const value = this.#constants[Number(name.slice(1))];
    if (value === undefined) throw new InvalidModelError(`${this.#at}: there is no constant '${name.slice(0, 80)}'`);
    return value instanceof ScriptObject ? this.#unpacked(value) : value;
  }

  /** Objects of PyTorch's own classes are the parameters that they hold; modules get their path. */
  #unpacked(value: ScriptObject, of?: ScriptObject, name?: string): PickleValue {
    if (value.type.startsWith(ENGINE_TYPES)) return packedFrom(value, this.#tensors, this.#at);
    if (of) value.path ??= of.path === '' ? name : `${of.path}.${name}`;
    return value;
  }

  /** Has an object's class set the attributes from its state, where it does so by itself. */
  #restore(object: ScriptObject): void {
    const { state } = object;
    if (state === undefined) return;
    object.state = undefined;
    const found = this.#definition(object.type, '__setstate__');
    if (!found) this.#refuse(`${describe(object)} with ${describe(state)}`, 'classes with a __setstate__ in the file');
    else this.#call(found, [object, state], new Map(), '');
  }

  #index(of: PickleValue, index: PickleValue): PickleValue {
    const value = Array.isArray(of) && typeof index === 'number' ? of.at(index) : undefined;
    return value === undefined ? this.#refuse(`element ${describe(index)} of ${describe(of)}`, 'lists, tuples') : value;
  }

  #operation(operator: string, operands: readonly Expression[], frame: Frame): PickleValue {
    if (operator === 'if') return this.#evaluate(operands[this.#condition(operands[0]!, frame) ? 1 : 2]!, frame);
    if (operator === 'and') return operands.every((operand) => this.#condition(operand, frame));
    if (operator === 'or') return operands.some((operand) => this.#condition(operand, frame));
    if (operator === 'not') return !this.#condition(operands[0]!, frame);
    const [left, right] = operands.map((operand) => this.#evaluate(operand, frame));
    if (operator === '-')
      return typeof left === 'number' ? -left : this.#refuse(`minus ${describe(left)}`, 'minus of a number');
    return (left === right) === (operator === 'is');
  }

  #invoke({ callee, args, named, line }: Extract<Expression, { kind: 'call' }>, frame: Frame): PickleValue {
    const target = this.#evaluate(callee, frame);
    // the first of these is a type
    if (target instanceof GlobalName && ['annotate', 'unchecked_cast'].includes(target.name) && args[1])
      return this.#evaluate(args[1], frame);
    if (target instanceof GlobalName && target.name === 'uninitialized') return null;
    const values = args.map((arg) => this.#evaluate(arg, frame));
    const byName = new Map(named.map(([name, value]) => [name, this.#evaluate(value, frame)]));
    this.#at = this.#at.replace(/\d+$/, String(line));
    if (target instanceof Bound)
      return target.self instanceof ScriptObject
        ? this.method(target.self, target.name, values)
        : [target.self.weight, target.self.bias];
    if (!(target instanceof GlobalName)) return this.#refuse(`a call of ${describe(target)}`, 'methods and operators');
    if (target.name === 'getattr') return this.#attribute(values[0] ?? null, String(values[1]));
    if (target.name.startsWith('__torch__.')) return this.#function(target.name, values, byName, frame.scope);
    const operator = Object.hasOwn(OPERATORS, target.name) ? OPERATORS[target.name] : undefined;
    const call = new Call(target.name, values, byName, this.#at, this.#draft, this.#tensors, frame.scope);
    return operator ? operator(call) : call.refuseOperator(Object.keys(OPERATORS));
  }

  /** A function in the file, or the making of a named tuple. */
  #function(
    name: string,
    args: readonly PickleValue[],
    named: ReadonlyMap<string, PickleValue>,
    scope: string,
  ): PickleValue {
    const [file, own] = fileOf(name);
    const source = this.#source(file);
    const found = source?.functions.get(own);
    if (found) return this.#call(found, args, named, scope);
    if (source?.classes.get(own)?.isTuple) return [...args];
    return this.#refuse(`a call of '${name.slice(0, 80)}'`, 'functions in the file');
  }

  #refuse(got: string, supported: string): never {
    throw new UnsupportedModelError(`${this.#at}: ${got}; supported: ${supported}`);
  }
}

/** The file of a class or function, and its name in there. */
function fileOf(name: string): [file: string, own: string] {
  const parts = name.split('.');
  return [`code/${parts.slice(0, -1).join('/')}.py`, parts.at(-1)!];
}

const ENGINE_TYPES = '__torch__.torch.classes.quantized.';

/** LinearPackedParamsBase: (weight, bias). Conv2dPackedParamsBase: ('2', [numbers, weight], [bias]). */
function packedFrom({ state, type }: ScriptObject, tensors: TensorReader, at: string): PackedParameters {
  const [first, second, third] = Array.isArray(state) ? state : [];
  if (type === `${ENGINE_TYPES}LinearPackedParamsBase` && first !== undefined && second !== undefined)
    return new PackedParameters(first, second);
  if (type === `${ENGINE_TYPES}Conv2dPackedParamsBase` && first === '2' && Array.isArray(second)) {
    const [dimensions, ...numbers] = tensors.integers('packed parameters', second[0] ?? null);
    const [stride, padding, dilation, , last] = [0, 2, 4, 6, 8].map((from) => numbers.slice(from, from + 2));
    const [groups, transposed] = last ?? [];
    const bias = Array.isArray(third) ? (third[0] ?? null) : null;
    if (dimensions === 2 && numbers.length === 10 && transposed === 0 && second[1] !== undefined)
      return new PackedParameters(second[1], bias, [stride!, padding!, dilation!, [groups!]]);
  }
  throw new UnsupportedModelError(
    `${at}: packed parameters ${type.slice(0, 80)} from ${describe(state)}; ` +
      'supported: linear layers, and convolutions of two dimensions in version 2',
  );
}
