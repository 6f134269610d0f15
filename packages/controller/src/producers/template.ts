/** Values by the name that stands between the braces. */
export type TemplateValues = Readonly<Record<string, string>>;

/** `{{name}}` is the text `{name}`; other braces, as in JSON or `{1,2}`, are left alone. */
const PLACEHOLDER = /\{(\{[A-Za-z_][A-Za-z0-9_]*\})\}|\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** What a variable may be called. */
export const VARIABLE_PATTERN: RegExp = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Replaces every `{name}`. Values are not looked at again. A name without a value stays as it is. */
export function fill(template: string, values: TemplateValues): string {
  return template.replace(PLACEHOLDER, (whole: string, escaped?: string, name?: string) => {
    if (escaped !== undefined) return escaped;
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? whole) : whole;
  });
}

/** Names in a template that have no value. */
export function unknownPlaceholders(template: string, values: TemplateValues): string[] {
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, , name]) =>
    name === undefined || Object.hasOwn(values, name) ? [] : [name],
  );
}
