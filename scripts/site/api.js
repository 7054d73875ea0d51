// The page of the API: what the library exports, with the comments that stand before it.
import ts from 'typescript';

const ENTRIES = [
  ['exact8', 'src/index.ts'],
  ['exact8/onnxruntime', 'src/onnxruntime.ts'],
];

/** What stands before a declaration, as Markdown. */
function commentOf(node) {
  const source = node.getSourceFile().text;
  const ranges = ts.getLeadingCommentRanges(source, node.getFullStart()) ?? [];
  const last = ranges.map(({ pos, end }) => source.slice(pos, end)).findLast((text) => text.startsWith('/**'));
  if (!last) return '';
  return last
    .replaceAll(/^\/\*\*|\*\/$/g, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/^@(\w+) ?/gm, '\n**$1** ')
    .trim();
}

/** The declaration without bodies, comments and what is private. */
function signatureOf(node, printer) {
  const source = node.getSourceFile();
  const outline = ts.transform(node, [
    (context) => (root) => {
      const visit = (child) => {
        if (ts.isPrivateIdentifier(child.name ?? child)) return undefined;
        if (ts.getModifiers?.(child)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return undefined;
        if (ts.isBlock(child)) return undefined;
        return ts.visitEachChild(child, visit, context);
      };
      return visit(root);
    },
  ]).transformed[0];
  return printer.printNode(ts.EmitHint.Unspecified, outline, source);
}

/** @returns {string} Markdown */
export function apiPage() {
  const options = { target: ts.ScriptTarget.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, noEmit: true };
  const program = ts.createProgram(
    ENTRIES.map(([, file]) => file),
    { ...options, allowImportingTsExtensions: true, types: [] },
  );
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  const sections = ENTRIES.map(([name, file]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    const exported = checker.getExportsOfModule(module).map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const declarations = (target.declarations ?? []).filter((node) => !ts.isSourceFile(node));
      const nodes = declarations.map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node));
      const first = nodes.find((node) => commentOf(node) !== '') ?? nodes[0];
      const comment = first ? commentOf(first) : '';
      const code = nodes.map((node) => signatureOf(node, printer)).join('\n');
      const isValue = (target.flags & ts.SymbolFlags.Value) !== 0;
      return { name: symbol.name, isValue, text: `### ${symbol.name}\n\n${comment}\n\n\`\`\`ts\n${code}\n\`\`\`\n` };
    });
    // what is called, in the order in which it is exported, then types by their names
    exported.sort((a, b) => Number(b.isValue) - Number(a.isValue) || (a.isValue ? 0 : a.name.localeCompare(b.name)));
    return `## From ${name}\n\n${exported.map(({ text }) => text).join('\n')}`;
  });
  return `# The API\n\nWhat the library exports, with the comments of its source. [The library](library.md) says how to use it.\n\n${sections.join('\n')}`;
}
