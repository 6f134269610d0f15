/** What a script wants done: SQL for the server, or a command of psql's own, which begins with `\`. */
export interface ScriptStep {
  readonly kind: "statement" | "command";
  readonly text: string;
}

/**
 * Finds the statements in a script's lines, as psql does: to the next `;` that is in no quotes,
 * comment or parentheses. Backslashes in strings escape nothing. A command takes the rest of its line.
 */
export class StatementReader {
  #text = "";
  /** What ends the quotes or comment that have begun. */
  #closing: string | undefined;
  #depth = 0;

  /** The steps that a line completes. */
  add(line: string): ScriptStep[] {
    const steps: ScriptStep[] = [];
    let from = 0;
    for (let end = this.#nextEnd(line, from); end; end = this.#nextEnd(line, from)) {
      const { mark, at } = end;
      this.#text += line.slice(from, at);
      from = mark === ";" ? at + 1 : line.length;
      if (mark === ";") steps.push(...this.end());
      if (mark === "\\") steps.push({ kind: "command", text: line.slice(at).trimEnd() });
    }
    this.#text += `${line.slice(from)}\n`;
    return steps;
  }

  /** What has been begun, as a statement: psql sends it at the end of a script. */
  end(): ScriptStep[] {
    const text = this.#text.trim();
    this.#text = "";
    return text === "" ? [] : [{ kind: "statement", text }];
  }

  /** The next mark that ends a statement, or what of the line may belong to one. */
  #nextEnd(line: string, from: number): { mark: string; at: number } | undefined {
    for (let at = this.#skipQuoted(line, from); at >= 0; at = this.#skipQuoted(line, at)) {
      MARK.lastIndex = at;
      const found = MARK.exec(line);
      if (!found) return undefined;
      if (this.#isEnd(found[0])) return { mark: found[0], at: found.index };
      at = found.index + found[0].length;
    }
    return undefined;
  }

  /** Where quotes or a comment that are open end; -1 if they go on in the next line. */
  #skipQuoted(line: string, at: number): number {
    if (this.#closing === undefined) return at;
    const found = line.indexOf(this.#closing, at);
    if (found < 0) return -1;
    const end = found + this.#closing.length;
    this.#closing = undefined;
    return end;
  }

  #isEnd(mark: string): boolean {
    if (mark === "--" || mark === "\\") return true;
    if (mark === ";") return this.#depth === 0;
    if (mark === "(") this.#depth += 1;
    else if (mark === ")") this.#depth = Math.max(0, this.#depth - 1);
    else this.#closing = mark === "/*" ? "*/" : mark;
    return false;
  }
}

const MARK = /--|\/\*|['"();\\]|\$(?:[A-Za-z_]\w*)?\$/g;
