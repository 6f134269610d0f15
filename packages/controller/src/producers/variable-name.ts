import { quote } from "@penstock/common";
import { z } from "zod";
import { VARIABLE_PATTERN } from "./template.ts";

/** What a variable may be called, of a template or of the environment. */
export const variableName: z.ZodType<string, string> = z.string().regex(VARIABLE_PATTERN, {
  error: ({ input }) =>
    `bad name of a variable ${quote(String(input))}; allowed: letters, digits and "_", not beginning with a digit`,
});
