import type { OptionTable } from "./option-scan.ts";

const PRODUCER = (key: string): string => `the plan's producer.${key} says it`;
const WHICH_SET = "which set is restored is said by --set";
const OTHER_SOURCE = "what is restored comes through named pipes";
const NO_RESTORE = "with it nothing is restored";

/** The options of gpdbrestore, 4.3 and 5.x. What is not refused is handed on. */
export const RESTORE_OPTIONS: OptionTable = {
  "-a": { refused: "it is always given" },
  "-b": { value: "always", refused: WHICH_SET },
  "-B": { value: "always" },
  "-d": { value: "always", refused: PRODUCER("coordinatorDataDirectory") },
  "-e": {},
  "-G": { value: ["include", "only"] },
  "-K": {},
  "-l": { value: "always" },
  "-L": { refused: `${NO_RESTORE}, and it reads the metadata's pipe` },
  "-m": {},
  "-q": { refused: "what gpdbrestore says is a sign of its success" },
  "-R": { value: "always", refused: OTHER_SOURCE },
  "-s": { value: "always", refused: WHICH_SET },
  "-S": { value: "always" },
  "-t": { value: "always", refused: WHICH_SET },
  "-T": { value: "always" },
  "-u": { value: "always", refused: PRODUCER("directory") },
  "-v": {},
  "-x": {
    value: "always",
    refused: "gpdbrestore has no such option: the set itself says which database; see --redirect",
  },
  "-?": { refused: NO_RESTORE },
  "--change-schema": { value: "always" },
  "--ddboost": { refused: OTHER_SOURCE },
  "--ddboost-storage-unit": { value: "always", refused: OTHER_SOURCE },
  "--help": { refused: NO_RESTORE },
  "--list-backup": { refused: NO_RESTORE },
  "--netbackup-block-size": { value: "always", refused: OTHER_SOURCE },
  "--netbackup-service-host": { value: "always", refused: OTHER_SOURCE },
  "--no-validate-table-name": {},
  "--noanalyze": {},
  "--noaostats": {},
  "--noplan": { refused: "it is for steps of an incremental restore" },
  "--prefix": { value: "always", refused: PRODUCER("prefix") },
  "--redirect": { value: "always" },
  "--report-status-dir": { value: "always" },
  "--restore-stats": { value: ["include", "only"] },
  "--table-file": { value: "always" },
  "--truncate": {},
  "--version": { refused: NO_RESTORE },
};
