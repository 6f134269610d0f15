#!/usr/bin/env node
// Old syntax on purpose: an older Node must be able to read this far.
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    "error: penstock-agent needs Node 24 or newer, this is " +
      process.version +
      "; start it with npx from the checkout, which brings Node 24 along",
  );
  process.exit(2);
}
import("../dist/main.js").catch((error) => {
  console.error(
    error.code === "ERR_MODULE_NOT_FOUND" && /dist.main\.js/.test(error.message)
      ? "error: penstock-agent is not built: run `npm ci && npm run build` first"
      : error,
  );
  process.exit(2);
});
