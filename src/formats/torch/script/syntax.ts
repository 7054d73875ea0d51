import { InvalidModelError, UnsupportedModelError } from '../../../errors.ts';

/** An expression of the Python in which TorchScript is written down, as far as it can be evaluated here. */
export type Expression = { readonly line: number } & (
  | { readonly kind: 'constant'; readonly value: number | string | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  | { readonly kind: 'operation'; readonly operator: string; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'call';
      readonly callee: Expression;
      readonly args: readonly Expression[];
      readonly named: readonly (readonly [name: string, value: Expression])[];
    }
);

export type Statement = { readonly line: number } & (
  | { readonly kind: 'assign'; readonly target: Expression; readonly value: Expression }
  | { readonly kind: 'return'; readonly value: Expression }
  | { readonly kind: 'evaluate'; readonly value: Expression }
  | { readonly kind: 'if'; readonly condition: Expression; readonly yes: Block; readonly no: Block }
  /** Read over, and refused where it is reached. */
  | { readonly kind: 'other'; readonly word: string }
);
export type Block = readonly Statement[];

export interface Definition {
  readonly file: string;
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly fallback?: Expression }[];
  readonly body: Block;
}

export interface SourceFile {
  readonly functions: ReadonlyMap<string, Definition>;
  readonly classes: ReadonlyMap<
    string,
    { readonly isTuple: boolean; readonly methods: ReadonlyMap<string, Definition> }
  >;
}

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'mark' | 'line' | 'indent' | 'dedent' | 'end';
  readonly text: string;
  readonly line: number;
}

/** Deeper nesting than that is no network's. */
const MAX_DEPTH = 64;

const TOKEN =
  /[ \t]+|#[^\n]*|([A-Za-z_]\w*)|((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(->|[-+*/%()[\]{},.:=])/y;

/** Tokens, with lines and indentation as Python has them: not within brackets. */
function tokensOf(file: string, text: string): Token[] {
  const tokens: Token[] = [];
  const indents = [0];
  let depth = 0;
  for (const [number, content] of text.split('\n').entries()) {
    const line = number + 1;
    const width = content.search(/\S/);
    if (width < 0 || content[width] === '#') continue;
    if (depth === 0) {
      if (width > indents.at(-1)!) {
        indents.push(width);
        tokens.push({ kind: 'indent', text: '', line });
      }
      for (; width < indents.at(-1)!; indents.pop()) tokens.push({ kind: 'dedent', text: '', line });
    }
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < content.length) {
      const at = TOKEN.lastIndex;
      const found = TOKEN.exec(content);
      if (!found)
        throw new InvalidModelError(`${file}, line ${line}: ${JSON.stringify(content.slice(at, at + 20))} is no code`);
      const [, name, digits, quoted, mark] = found;
      if (name !== undefined) tokens.push({ kind: 'name', text: name, line });
      if (digits !== undefined) tokens.push({ kind: 'number', text: digits, line });
      if (quoted !== undefined) tokens.push({ kind: 'string', text: quoted, line });
      if (mark === undefined) continue;
      tokens.push({ kind: 'mark', text: mark, line });
      if ('([{'.includes(mark)) depth++;
      if (')]}'.includes(mark)) depth--;
    }
    if (depth === 0) tokens.push({ kind: 'line', text: '', line });
  }
  const line = tokens.at(-1)?.line ?? 1;
  for (; indents.length > 1; indents.pop()) tokens.push({ kind: 'dedent', text: '', line });
  return [...tokens, { kind: 'end', text: '', line }];
}

/** @throws InvalidModelError where it is no code */
export function parse(file: string, text: string): SourceFile {
  return new Parser(file, tokensOf(file, text)).file();
}

class Parser {
  readonly #file: string;
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(file: string, tokens: readonly Token[]) {
    this.#file = file;
    this.#tokens = tokens;
  }

  file(): SourceFile {
    const functions = new Map<string, Definition>();
    const classes = new Map<string, { isTuple: boolean; methods: Map<string, Definition> }>();
    while (this.#next.kind !== 'end') {
      if (this.#accepts('class')) {
        const name = this.#name();
        const isTuple = this.#accepts('(') && this.#accepts('NamedTuple');
        this.#skipLine();
        classes.set(name, { isTuple, methods: this.#methods() });
      } else this.#definition(functions);
    }
    return { functions, classes };
  }

  /** A class's body: its methods; declarations of attributes say nothing that the objects do not. */
  #methods(): Map<string, Definition> {
    const methods = new Map<string, Definition>();
    this.#expectKind('indent');
    while (!this.#acceptsKind('dedent')) this.#definition(methods);
    return methods;
  }

  #definition(into: Map<string, Definition>): void {
    if (!this.#accepts('def')) return this.#skipLine();
    const name = this.#name();
    this.#expect('(');
    const parameters: { name: string; fallback?: Expression }[] = [];
    while (!this.#accepts(')')) {
      const parameter = this.#name();
      if (this.#accepts(':')) this.#expression();
      parameters.push({ name: parameter, ...(this.#accepts('=') && { fallback: this.#expression() }) });
      if (!this.#accepts(',') && this.#next.text !== ')') throw this.#unexpected(')');
    }
    if (this.#accepts('->')) this.#expression();
    into.set(name, { file: this.#file, name, parameters, body: this.#block() });
  }

  #block(): Block {
    return this.#nested(() => {
      this.#expect(':');
      this.#expectKind('line');
      this.#expectKind('indent');
      const statements: Statement[] = [];
      while (!this.#acceptsKind('dedent')) statements.push(this.#statement());
      return statements;
    });
  }

  #statement(): Statement {
    const { line, text } = this.#next;
    if (this.#accepts('return')) return this.#simple({ kind: 'return', line, value: this.#expression() });
    if (this.#accepts('pass'))
      return this.#simple({ kind: 'evaluate', line, value: { kind: 'constant', line, value: null } });
    if (this.#accepts('if')) {
      const condition = this.#expression();
      const yes = this.#block();
      return { kind: 'if', line, condition, yes, no: this.#accepts('else') ? this.#block() : [] };
    }
    if (['for', 'while', 'with', 'try', 'del', 'raise', 'assert', 'import', 'from', 'def', 'class'].includes(text)) {
      this.#skipLine();
      if (this.#acceptsKind('indent')) while (!this.#acceptsKind('dedent')) this.#statement();
      return { kind: 'other', line, word: text };
    }
    const target = this.#expressions('=');
    if (this.#accepts(':')) this.#expression();
    if (!this.#accepts('=')) return this.#simple({ kind: 'evaluate', line, value: target });
    return this.#simple({ kind: 'assign', line, target, value: this.#expressions('') });
  }

  #simple(statement: Statement): Statement {
    this.#expectKind('line');
    return statement;
  }

  /** One, or with commas between them a sequence. */
  #expressions(end: string): Expression {
    const { line } = this.#next;
    const first = this.#expression();
    if (this.#next.text !== ',') return first;
    const items = [first];
    while (this.#accepts(','))
      if (this.#next.kind !== 'line' && this.#next.text !== end) items.push(this.#expression());
    return { kind: 'sequence', line, items };
  }

  /** A choice binds less than `or`, that less than `and`, that less than `not`, that less than `is`. */
  #expression(): Expression {
    return this.#nested(() => {
      const value = this.#or();
      const { line } = this.#next;
      if (!this.#accepts('if')) return value;
      const condition = this.#or();
      this.#expect('else');
      return { kind: 'operation', line, operator: 'if', operands: [condition, value, this.#expression()] };
    });
  }

  #or(): Expression {
    return this.#chain('or', () => this.#chain('and', () => this.#not()));
  }

  #chain(operator: string, operand: () => Expression): Expression {
    const { line } = this.#next;
    const operands = [operand()];
    while (this.#accepts(operator)) operands.push(operand());
    return operands.length === 1 ? operands[0]! : { kind: 'operation', line, operator, operands };
  }

  #not(): Expression {
    const { line } = this.#next;
    if (this.#accepts('not'))
      return this.#nested(() => ({ kind: 'operation', line, operator: 'not', operands: [this.#not()] }));
    const left = this.#unary();
    if (!this.#accepts('is')) return left;
    const operator = this.#accepts('not') ? 'is not' : 'is';
    return { kind: 'operation', line, operator, operands: [left, this.#unary()] };
  }

  #unary(): Expression {
    const { line } = this.#next;
    if (this.#accepts('-'))
      return this.#nested(() => ({ kind: 'operation', line, operator: '-', operands: [this.#unary()] }));
    let value = this.#atom();
    for (;;) {
      if (this.#accepts('.')) value = { kind: 'attribute', line, of: value, name: this.#name() };
      else if (this.#accepts('[')) {
        const items = this.#until(']');
        const index: Expression = items.length === 1 ? items[0]! : { kind: 'sequence', line, items };
        value = { kind: 'index', line, of: value, index };
      } else if (this.#accepts('(')) value = this.#call(value, line);
      else return value;
    }
  }

  #call(callee: Expression, line: number): Expression {
    const args: Expression[] = [];
    const named: [string, Expression][] = [];
    while (!this.#accepts(')')) {
      if (this.#next.kind === 'name' && this.#tokens[this.#position + 1]?.text === '=') {
        const name = this.#name();
        this.#expect('=');
        named.push([name, this.#expression()]);
      } else args.push(this.#expression());
      if (!this.#accepts(',') && this.#next.text !== ')') throw this.#unexpected(')');
    }
    return { kind: 'call', line, callee, args, named };
  }

  #atom(): Expression {
    const { kind, text, line } = this.#next;
    this.#position++;
    if (kind === 'number') return { kind: 'constant', line, value: Number(text) };
    if (kind === 'string') return { kind: 'constant', line, value: this.#unquoted(text) };
    if (kind === 'name') {
      const value = ({ True: true, False: false, None: null } as const)[text];
      return value === undefined ? { kind: 'name', line, name: text } : { kind: 'constant', line, value };
    }
    if (text === '[') return { kind: 'sequence', line, items: this.#until(']') };
    if (text === '(') {
      const items = this.#until(')');
      const isTuple = items.length !== 1 || this.#tokens[this.#position - 2]!.text === ',';
      return isTuple ? { kind: 'sequence', line, items } : items[0]!;
    }
    this.#position--;
    throw this.#unexpected('an expression');
  }

  #unquoted(text: string): string {
    return text.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter);
  }

  #until(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#accepts(end)) {
      items.push(this.#expression());
      if (!this.#accepts(',') && this.#next.text !== end) throw this.#unexpected(end);
    }
    return items;
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw new UnsupportedModelError(`${this.#where}: nested more than ${MAX_DEPTH} times; supported: less`);
    const result = read();
    this.#depth--;
    return result;
  }

  get #next(): Token {
    return this.#tokens[this.#position]!;
  }

  get #where(): string {
    return `${this.#file}, line ${this.#next.line}`;
  }

  #skipLine(): void {
    while (this.#next.kind !== 'line') {
      if (this.#next.kind === 'end') throw this.#unexpected('the end of a line');
      this.#position++;
    }
    this.#position++;
  }

  #accepts(text: string): boolean {
    const { kind } = this.#next;
    if ((kind !== 'name' && kind !== 'mark') || this.#next.text !== text) return false;
    this.#position++;
    return true;
  }

  #acceptsKind(kind: Token['kind']): boolean {
    if (this.#next.kind !== kind) return false;
    this.#position++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accepts(text)) throw this.#unexpected(text);
  }

  #expectKind(kind: Token['kind']): void {
    if (!this.#acceptsKind(kind)) throw this.#unexpected(kind);
  }

  #name(): string {
    const { kind, text } = this.#next;
    if (kind !== 'name') throw this.#unexpected('a name');
    this.#position++;
    return text;
  }

  #unexpected(wanted: string): InvalidModelError {
    const { kind, text } = this.#next;
    return new InvalidModelError(
      `${this.#where}: ${text === '' ? kind : `'${text.slice(0, 40)}'`} in place of ${wanted}`,
    );
  }
}
