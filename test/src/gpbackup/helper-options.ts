/** What a helper was told. */
export interface HelperOptions {
  readonly tocFile: string;
  readonly dataFile: string;
  readonly pluginConfig: string;
  readonly compressed: boolean;
  readonly onErrorContinue: boolean;
  readonly isFiltered: boolean;
  readonly oids: readonly number[];
  readonly tmpDir: string;
}
