import { dirname, relative, resolve } from 'node:path';
import ts from 'typescript';

export interface ProblemCode {
  readonly code: string;
  readonly types: readonly string[];
  readonly retryable: 'yes' | 'no' | 'see `retryable`';
}

/**
 * Every code of a `Problem` that the source can give, read from the source itself with TypeScript's own checker: each
 * object with a `type`, a `code` and a `message`, its code followed through constants, parameters and their callers.
 * `handedOn` are the places whose code comes from elsewhere: from the upstream's answer, or from the record.
 */
export function findProblemCodes(tsconfig: string): { codes: ProblemCode[]; handedOn: string[] } {
  const { config } = ts.readConfigFile(tsconfig, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, resolve(dirname(tsconfig)));
  const ours = fileNames.filter((name) => relative(process.cwd(), name).startsWith('src/'));
  const program = ts.createProgram(ours, options);
  const checker = program.getTypeChecker();
  const sources = program.getSourceFiles().filter(({ fileName }) => ours.includes(fileName));
  const calls = new Map<string, (ts.CallExpression | ts.NewExpression)[]>();
  const objects: ts.ObjectLiteralExpression[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const name = lastName(node.expression.getText());
      calls.set(name, [...(calls.get(name) ?? []), node]);
    }
    if (ts.isObjectLiteralExpression(node)) objects.push(node);
    ts.forEachChild(node, look);
  };
  sources.forEach(look);
  // Asking the checker about each call takes long: only those of the right name are asked about.
  const callsOf = (called: ts.SignatureDeclaration) =>
    (calls.get(nameOf(called)) ?? []).filter(
      (call) => checker.getResolvedSignature(call)?.declaration === called,
    );

  /** Every string that the expression may be; null where it is not told by the source. */
  const strings = (node: ts.Node, seen: readonly ts.Node[] = []): readonly (string | null)[] => {
    if (seen.includes(node)) return [];
    const on = (next: ts.Node) => strings(next, [...seen, node]);
    const literal = literals(checker.getTypeAtLocation(node));
    if (literal !== null) return literal;
    if (ts.isTemplateExpression(node)) {
      return node.templateSpans.reduce<readonly (string | null)[]>(
        (before, { expression, literal: { text } }) =>
          before.flatMap((start) =>
            on(expression).map((middle) =>
              start === null || middle === null ? null : start + middle + text,
            ),
          ),
        [node.head.text],
      );
    }
    if (ts.isConditionalExpression(node)) return [...on(node.whenTrue), ...on(node.whenFalse)];
    if (ts.isBinaryExpression(node)) return [...on(node.left), ...on(node.right)];
    if (ts.isShorthandPropertyAssignment(node) || ts.isIdentifier(node)) {
      const symbol = ts.isIdentifier(node)
        ? checker.getSymbolAtLocation(node)
        : checker.getShorthandAssignmentValueSymbol(node);
      const declaration = symbol?.valueDeclaration;
      if (declaration === undefined) return [null];
      if (ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined)
        return on(declaration.initializer);
      if (ts.isParameter(declaration)) {
        const index = declaration.parent.parameters.indexOf(declaration);
        const given = callsOf(declaration.parent).map((call) => call.arguments?.[index]);
        return given.flatMap((argument) => {
          const value = argument ?? declaration.initializer;
          return value === undefined ? [null] : on(value);
        });
      }
    }
    return [null];
  };

  const found = new Map<string, { types: Set<string>; retryable: Set<boolean | null> }>();
  const handedOn = new Set<string>();
  for (const object of objects) {
    const named = new Map(object.properties.map((property) => [property.name?.getText(), property]));
    const [type, code, message] = ['type', 'code', 'message'].map((name) => named.get(name));
    if (type === undefined || code === undefined || message === undefined) continue;
    const value = (property: ts.Node) =>
      ts.isPropertyAssignment(property) ? property.initializer : property;
    if (!isText(checker.getTypeAtLocation(value(code)))) continue;
    const types = strings(value(type)).filter((one) => one !== null);
    const retryable = named.get('retryable');
    for (const one of strings(value(code))) {
      if (one === null) handedOn.add(relative(process.cwd(), object.getSourceFile().fileName));
      else {
        const known = found.get(one) ?? { types: new Set<string>(), retryable: new Set() };
        for (const name of types) known.types.add(name);
        known.retryable.add(retryable === undefined ? false : truth(value(retryable)));
        found.set(one, known);
      }
    }
  }
  const codes = [...found].map(([code, { types, retryable }]): ProblemCode => {
    const [only] = retryable.size === 1 ? [...retryable] : [null];
    return {
      code,
      types: [...types].sort(),
      retryable: only === true ? 'yes' : only === false ? 'no' : 'see `retryable`',
    };
  });
  return {
    codes: codes.sort((a, b) => a.code.localeCompare(b.code)),
    handedOn: [...handedOn].sort(),
  };
}

function literals(type: ts.Type): readonly string[] | null {
  const parts = type.isUnion() ? type.types : [type];
  const texts = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
  return texts.length === parts.length ? texts : null;
}

function isText(type: ts.Type): boolean {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some(({ flags }) => (flags & ts.TypeFlags.StringLike) !== 0);
}

function truth(node: ts.Node): boolean | null {
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  return node.kind === ts.SyntaxKind.FalseKeyword ? false : null;
}

/** What a function is called by: its own name, or that of the constant or the class that holds it. */
function nameOf(called: ts.SignatureDeclaration): string {
  if (called.name !== undefined && !ts.isConstructorDeclaration(called))
    return lastName(called.name.getText());
  const { parent } = called;
  return ts.isVariableDeclaration(parent) || ts.isClassDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? (parent.name?.getText() ?? '')
    : '';
}

const lastName = (text: string) => text.slice(text.lastIndexOf('.') + 1);
