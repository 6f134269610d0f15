/** Of the program, as `--version` says it. */
export const VERSION = "0.1.0";

/** Of gpbackup's plugin interface. */
export const API_VERSION = "0.5.0";
