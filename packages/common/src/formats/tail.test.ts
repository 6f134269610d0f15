import fc from "fast-check";
import { expect, test } from "vitest";
import { Tail } from "./tail.ts";

test("the last bytes are kept, however they come", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 12 })),
      fc.integer({ min: 1, max: 10 }),
      (all, keep) => {
        const tail = new Tail(keep);
        for (const chunk of all) tail.push(chunk);
        expect([...tail.bytes]).toEqual(all.flatMap((chunk) => [...chunk]).slice(-keep));
      },
    ),
  );
});
