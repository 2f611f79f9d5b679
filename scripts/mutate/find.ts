// Where a source can be changed into a mutant, and how. Reads the compiler's syntax tree, so that types and references are
// known and a change still compiles.

/** What is used of a node of solc's tree. */
export interface SyntaxNode {
  readonly id: number;
  readonly nodeType: string;
  /** start:length:file, in bytes. */
  readonly src: string;
  readonly [member: string]: unknown;
}

export type Kind =
  | "bound"
  | "equality"
  | "arithmetic"
  | "bits"
  | "logic"
  | "condition"
  | "require"
  | "removed"
  | "order"
  | "rounding"
  | "min-max"
  | "arguments"
  | "sign"
  | "literal"
  | "assignment";

export interface Place {
  readonly file: string;
  readonly contract: string;
  readonly function: string;
  readonly line: number;
  readonly kind: Kind;
  /** Bytes of the source, from and up to. */
  readonly start: number;
  readonly end: number;
  /** A statement is chosen by `if`, an expression by `? :`. */
  readonly statement: boolean;
  readonly before: string;
  readonly after: string;
}

const OPERATORS: Record<string, [Kind, string]> = {
  "<": ["bound", "<="],
  "<=": ["bound", "<"],
  ">": ["bound", ">="],
  ">=": ["bound", ">"],
  "==": ["equality", "!="],
  "!=": ["equality", "=="],
  "+": ["arithmetic", "-"],
  "-": ["arithmetic", "+"],
  "*": ["arithmetic", "/"],
  "/": ["arithmetic", "*"],
  "%": ["arithmetic", "/"],
  "<<": ["bits", ">>"],
  ">>": ["bits", "<<"],
  "&": ["bits", "|"],
  "|": ["bits", "&"],
  "^": ["bits", "&"],
  "&&": ["logic", "||"],
  "||": ["logic", "&&"],
};

const ASSIGNMENTS: Record<string, string> = { "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|=" };

const ROUNDINGS: [RegExp, string][] = [
  [/Up$/, "Down"],
  [/Down$/, "Up"],
  [/Ceil$/, "Floor"],
  [/Floor$/, "Ceil"],
];

/** Arguments in either order mean the same. */
const COMMUTATIVE = /^(min|max|dist|gcd|avg|mul\w*|fullMul\w*)$/i;

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" && value !== null && typeof (value as SyntaxNode).nodeType === "string";

const childrenOf = (node: SyntaxNode): SyntaxNode[] => Object.values(node).flat().filter(isNode);

const node = (value: unknown): SyntaxNode => {
  if (!isNode(value)) throw new Error("the compiler's tree lacks a node that it should have");
  return value;
};

const typeOf = (n: SyntaxNode): string => (n["typeDescriptions"] as { typeString?: string }).typeString ?? "";

const isInteger = (n: SyntaxNode): boolean => /^u?int\d*$/.test(typeOf(n));

/** Functions by their number in the tree, with the contract (or file) that has them. */
export type Functions = Map<number, { name: string; scope: number; parameters: number; inContract: boolean }>;

export const functionsOf = (roots: Iterable<SyntaxNode>): Functions => {
  const functions: Functions = new Map();
  const visit = (n: SyntaxNode, scope: SyntaxNode) => {
    if (n.nodeType === "FunctionDefinition") {
      const { parameters } = n["parameters"] as { parameters: unknown[] };
      functions.set(n.id, {
        name: n["name"] as string,
        scope: scope.id,
        parameters: parameters.length,
        inContract: scope.nodeType === "ContractDefinition",
      });
      return;
    }
    if (n.nodeType !== "SourceUnit" && n.nodeType !== "ContractDefinition") return;
    for (const child of childrenOf(n)) visit(child, n);
  };
  for (const root of roots) visit(root, root);
  return functions;
};

class Finder {
  readonly places: Place[] = [];
  private readonly bytes: Buffer;
  private contract = "";
  private function = "";

  constructor(
    private readonly file: string,
    source: string,
    private readonly functions: Functions,
  ) {
    this.bytes = Buffer.from(source);
  }

  visitUnit(unit: SyntaxNode): void {
    for (const member of childrenOf(unit)) {
      if (member.nodeType === "FunctionDefinition") this.visitFunction(member);
      if (member.nodeType !== "ContractDefinition" || member["contractKind"] === "interface") continue;
      this.contract = member["name"] as string;
      for (const part of childrenOf(member)) {
        if (part.nodeType === "FunctionDefinition" || part.nodeType === "ModifierDefinition") this.visitFunction(part);
      }
      this.contract = "";
    }
  }

  /** Bodies only: initial values, constants and arguments of bases are worked out before a block has a coinbase. */
  private visitFunction(definition: SyntaxNode): void {
    if (!isNode(definition["body"])) return;
    this.function = (definition["name"] as string) || (definition["kind"] as string);
    this.visit(definition["body"]);
  }

  private range(n: SyntaxNode): [start: number, end: number] {
    const [start = 0, length = 0] = n.src.split(":").map(Number);
    return [start, start + length];
  }

  private text(n: SyntaxNode): string {
    return this.slice(...this.range(n));
  }

  private slice(start: number, end: number): string {
    return this.bytes.subarray(start, end).toString();
  }

  private add(kind: Kind, [start, end]: [number, number], after: string, statement = false): void {
    const line = this.slice(0, start).split("\n").length;
    const before = this.slice(start, end);
    const { file, contract, function: name } = this;
    this.places.push({ file, contract, function: name, line, kind, start, end, statement, before, after });
  }

  /** A call without a value is a statement and no part of an expression. */
  private replace(kind: Kind, n: SyntaxNode, after: string): void {
    if (typeOf(n) !== "tuple()") return this.add(kind, this.range(n), after);
    const range = this.statementRange(n);
    if (range !== undefined) this.add(kind, range, `${after};`, true);
  }

  /** The node's text with the bytes of one part of it exchanged. */
  private with(n: SyntaxNode, from: number, to: number, text: string): string {
    const [start, end] = this.range(n);
    return this.slice(start, from) + text + this.slice(to, end);
  }

  /** Of a statement, with its semicolon. */
  private statementRange(n: SyntaxNode): [number, number] | undefined {
    const [start, end] = this.range(n);
    const rest = /^\s*;/.exec(this.slice(end, end + 200));
    return rest === null ? undefined : [start, end + rest[0].length];
  }

  private visit(n: SyntaxNode): void {
    switch (n.nodeType) {
      case "EmitStatement": // what an event says is not what the contract does
      case "InlineAssembly": // has no such tree; each piece is compared with a plain version by its own test
        return;
      case "RevertStatement": {
        const range = this.statementRange(n);
        if (range !== undefined) this.add("require", range, "", true);
        return; // what an error says is left alone too
      }
      case "ForStatement":
        // its head makes loops endless or empty: left alone but for the condition
        if (isNode(n["condition"])) this.visit(n["condition"]);
        this.visit(node(n["body"]));
        return;
      case "Block":
      case "UncheckedBlock":
        this.swapStatements(n["statements"] as SyntaxNode[]);
        break;
      case "IfStatement":
      case "Conditional":
        this.replace("condition", node(n["condition"]), `!(${this.text(node(n["condition"]))})`);
        break;
      case "ExpressionStatement":
        this.removeStatement(n);
        break;
      case "BinaryOperation":
        this.binary(n);
        break;
      case "UnaryOperation":
        this.unary(n);
        break;
      case "Assignment":
        this.assignment(n);
        break;
      case "MemberAccess":
        this.roundingMode(n);
        break;
      case "FunctionCall":
        if (this.requirement(n)) return;
        this.call(n);
        break;
    }
    for (const child of childrenOf(n)) this.visit(child);
  }

  /** @return Whether it is a `require`, of which only the condition is looked at. */
  private requirement(n: SyntaxNode): boolean {
    if (node(n["expression"])["name"] !== "require") return false;
    const [condition] = n["arguments"] as SyntaxNode[];
    this.replace("require", node(condition), "true");
    this.visit(node(condition));
    return true;
  }

  private removeStatement(n: SyntaxNode): void {
    const expression = node(n["expression"]);
    if (expression.nodeType === "FunctionCall" && node(expression["expression"])["name"] === "require") return;
    if (!["FunctionCall", "Assignment", "UnaryOperation"].includes(expression.nodeType)) return;
    const range = this.statementRange(n);
    if (range !== undefined) this.add("removed", range, "", true);
  }

  /** Two neighbours that both call what can change state. */
  private swapStatements(statements: readonly SyntaxNode[]): void {
    for (let i = 0; i + 1 < statements.length; i++) {
      const [first, second] = [node(statements[i]), node(statements[i + 1])];
      if (!this.changesState(first) || !this.changesState(second)) continue;
      const [a, b] = [this.statementRange(first), this.statementRange(second)];
      if (a === undefined || b === undefined) continue;
      this.add("order", [a[0], b[1]], `${this.slice(...b)} ${this.slice(...a)}`, true);
      i++; // pairs do not overlap
    }
  }

  private changesState(n: SyntaxNode): boolean {
    if (n.nodeType !== "ExpressionStatement") return false;
    const seen = (m: SyntaxNode): boolean => {
      if (m.nodeType === "FunctionCall" && m["kind"] === "functionCall") {
        const type = typeOf(node(m["expression"]));
        if (type.startsWith("function") && !/ (view|pure)\b/.test(type)) return true;
      }
      return childrenOf(m).some(seen);
    };
    return seen(n) && !this.text(n).startsWith("require");
  }

  private binary(n: SyntaxNode): void {
    const mutation = OPERATORS[n["operator"] as string];
    const [left, right] = [node(n["leftExpression"]), node(n["rightExpression"])];
    if (mutation === undefined || n["isPure"] === true || typeof n["function"] === "number") return;
    const [kind, other] = mutation;
    const [l, r] = [this.text(left), this.text(right)];
    const numbers = isInteger(left) || isInteger(right);
    if (kind === "arithmetic" || kind === "bits") {
      if (!isInteger(n)) return;
    } else if (kind === "bound" && !numbers) {
      return;
    }
    const [start, end] = [this.range(left)[1], this.range(right)[0]];
    const at = this.slice(start, end).indexOf(n["operator"] as string);
    const from = start + Buffer.byteLength(this.slice(start, end).slice(0, at));
    this.replace(kind, n, this.with(n, from, from + (n["operator"] as string).length, other));
    if (kind === "logic") {
      this.replace(kind, n, l);
      this.replace(kind, n, r);
    }
    if (kind === "bits" || !numbers) return;
    for (const side of [left, right]) {
      if (typeOf(n).startsWith("bool") && !isInteger(side === left ? right : left)) continue;
      if (side.nodeType !== "Literal" || side["kind"] !== "number" || side["subdenomination"]) continue;
      const value = side["value"] as string;
      if (!/^\d{1,6}$/.test(value)) continue;
      const next = `${BigInt(value) + 1n}`;
      this.replace("literal", n, this.with(n, ...this.range(side), next));
    }
  }

  private unary(n: SyntaxNode): void {
    const operator = n["operator"] as string;
    const inner = this.text(node(n["subExpression"]));
    if (n["isPure"] === true || typeof n["function"] === "number") return;
    if (operator === "-" && isInteger(n)) this.replace("sign", n, inner);
    if (operator === "!") this.replace("logic", n, inner);
    if (operator === "~") this.replace("bits", n, inner);
    const other = operator === "++" ? "--" : operator === "--" ? "++" : undefined;
    if (other !== undefined) this.replace("assignment", n, n["prefix"] === true ? other + inner : inner + other);
  }

  private assignment(n: SyntaxNode): void {
    const operator = n["operator"] as string;
    const other = ASSIGNMENTS[operator];
    if (other === undefined || !isInteger(n)) return;
    const [left, right] = [node(n["leftHandSide"]), node(n["rightHandSide"])];
    this.replace("assignment", n, `${this.text(left)} ${other} ${this.text(right)}`);
  }

  private roundingMode(n: SyntaxNode): void {
    if (!typeOf(n).endsWith("Math.Rounding") || n["isPure"] !== true) return;
    const text = this.text(n);
    if (text.endsWith(".Ceil")) this.replace("rounding", n, text.replace(/Ceil$/, "Floor"));
    if (text.endsWith(".Floor")) this.replace("rounding", n, text.replace(/Floor$/, "Ceil"));
  }

  private call(n: SyntaxNode): void {
    if (n["kind"] !== "functionCall" || (n["names"] as unknown[]).length > 0) return;
    const callee = node(n["expression"]);
    const declared = this.functions.get(callee["referencedDeclaration"] as number);
    if (declared === undefined) return;
    if (callee.nodeType === "MemberAccess" || (callee.nodeType === "Identifier" && declared.inContract)) {
      this.otherFunction(n, callee, declared);
    }
    const values = n["arguments"] as SyntaxNode[];
    for (let i = 0; i + 1 < values.length; i++) {
      const [a, b] = [node(values[i]), node(values[i + 1])];
      if (typeOf(a) !== typeOf(b) || this.text(a) === this.text(b)) continue;
      if (i === 0 && COMMUTATIVE.test(declared.name)) continue;
      const gap = this.slice(this.range(a)[1], this.range(b)[0]);
      const swapped = this.text(b) + gap + this.text(a);
      this.replace("arguments", n, this.with(n, this.range(a)[0], this.range(b)[1], swapped));
    }
  }

  /** The same with the other rounding, or `max` for `min`, when the same library has it. */
  private otherFunction(n: SyntaxNode, callee: SyntaxNode, { name, scope, parameters }: FunctionFacts): void {
    const others: [Kind, string][] = [];
    for (const [end, other] of ROUNDINGS) if (end.test(name)) others.push(["rounding", name.replace(end, other)]);
    if (/^(min|max)$/.test(name)) others.push(["min-max", name === "min" ? "max" : "min"]);
    for (const [kind, other] of others) {
      const there = [...this.functions.values()].some(
        (f) => f.name === other && f.scope === scope && f.parameters === parameters,
      );
      if (!there) continue;
      const [, end] = this.range(callee);
      this.replace(kind, n, this.with(n, end - name.length, end, other));
    }
  }
}

type FunctionFacts = Functions extends Map<number, infer F> ? F : never;

/** Every place of one file. */
export const findPlaces = (file: string, source: string, tree: SyntaxNode, functions: Functions): Place[] => {
  const finder = new Finder(file, source, functions);
  finder.visitUnit(tree);
  return finder.places;
};
